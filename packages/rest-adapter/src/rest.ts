import { type Channel, checkChoice, checkKnown, exchangeOf } from '@headgate/core'
import type { Router } from '@koa/router'
import { callOf } from './call.js'
import { canonicalPaths } from './canonical-path.js'
import { describeRoute, describeUnmatched } from './describe.js'
import { dispatcher } from './dispatch.js'
import { matchRequest } from './match.js'
import { renderError } from './problem.js'
import { declaredBy, routeReader } from './route.js'

/** How a router stands behind a gate. */
export interface RestOptions {
  /**
   * What becomes of a request for an address the router does not know. `refuse`: it passes the gate and gets 404.
   * `pass`: it is not this channel's; what no channel takes is gated as plain HTTP and goes on to the middleware
   * after the gate. Default `refuse`.
   */
  readonly unmatched?: 'refuse' | 'pass'
}

/**
 * Puts a router behind a gate: `gate(policies, { channels: [rest(router)] })`. The router's routes run there, so
 * `router.routes()` is not used again.
 *
 * @throws TypeError when a route can't be guarded as it stands.
 */
export function rest(router: KoaRouter, options: RestOptions = {}): Channel {
  return channelOf(router as Router, options)
}

/**
 * A router of @koa/router 15, told by its shape: to TypeScript the ESM and the CommonJS types of that package are two
 * classes.
 */
export interface KoaRouter {
  match(path: string, method: string): unknown
  matchHost(host?: string): boolean
  routes(): unknown
  readonly stack: readonly object[]
}

function channelOf(router: Router, options: RestOptions): Channel {
  if (!Array.isArray(router?.stack)) {
    throw new TypeError(
      'rest: router must be a Router of @koa/router: the router itself, not router.routes()',
    )
  }
  checkKnown('rest', options, ['unmatched'])
  const unmatched = checkChoice('rest: unmatched', options.unmatched ?? 'refuse', ['refuse', 'pass'])
  const routeOf = routeReader()
  router.stack.forEach(routeOf)
  const dispatch = dispatcher(router, routeOf)
  const canonicalPathFor = canonicalPaths(router, routeOf)

  return {
    name: 'rest',
    declared: () => router.stack.map((layer) => declaredBy(layer, routeOf(layer))),
    accepts: (ctx) =>
      router.matchHost(ctx.host) && (unmatched === 'refuse' || matchRequest(router, ctx).kind !== 'unknown'),
    describe(ctx, incoming) {
      const match = matchRequest(router, ctx)
      if (match.kind !== 'route') return describeUnmatched(incoming, match)
      const { layer, path } = match
      const canonicalPath = canonicalPathFor(incoming.path, { method: incoming.method, path, layer })
      return describeRoute(ctx, incoming, {
        route: routeOf(layer),
        params: layer.params(path, layer.captures(path)),
        canonicalPath,
        host: hostOf(router),
      })
    },
    async handle(ctx, next) {
      await dispatch(ctx, next)
      const call = callOf(exchangeOf(ctx)?.operation)
      if (call !== undefined) call.result = ctx.body
    },
    renderError,
  }
}

/**
 * A router of its own for a host is a service of its own. As it is configured: what a client names, of the hosts that
 * one router serves, leads to the same handlers.
 */
function hostOf({ host }: Router): string | undefined {
  return host ? String(host) : undefined
}
