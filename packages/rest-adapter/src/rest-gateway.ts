import { gate, type GateOptions, type Policy } from '@headgate/core'
import type { Router } from '@koa/router'
import type { Middleware } from 'koa'
import { accessOf, needsCaller } from './access.js'
import { rest, type RestOptions } from './rest.js'
import { type Layer, routeReader } from './route.js'

/** Settings of a REST gateway. */
export interface RestGatewayOptions extends RestOptions, Omit<GateOptions, 'channels'> {
  /** What decides about a request, in order. */
  readonly policies: readonly Policy[]
}

/**
 * A router behind a gate of its own: `app.use(restGateway(router, { policies }))` stands in place of
 * `app.use(router.routes())`. Routes that are registered before it are checked at start-up.
 *
 * @throws TypeError when a route demands what no policy gives, or can't be guarded as it stands.
 */
export function restGateway<StateT, ContextT>(
  router: Router<StateT, ContextT>,
  options: RestGatewayOptions,
): Middleware {
  const { policies, unmatched, ...setting } = options
  if (Object.hasOwn(setting, 'channels')) {
    throw new TypeError('restGateway: for more channels than the router use gate(policies, { channels })')
  }
  const channel = rest(router, unmatched === undefined ? {} : { unmatched })
  const middleware = gate(policies, { ...setting, channels: [channel] })
  checkDemands(router.stack as unknown as readonly Layer[], policies, setting.identity !== undefined)
  return middleware
}

/** A protection that a route declares and no policy provides would be off in silence. */
function checkDemands(layers: readonly Layer[], policies: readonly Policy[], identityGiven: boolean): void {
  const routeOf = routeReader()
  const has = (stage: Policy['stage']): boolean => policies.some((policy) => policy.stage === stage)
  const callerKnown = identityGiven || has('authenticate')
  for (const layer of layers) {
    const { declaration } = routeOf(layer)
    const label = `restGateway: ${layer.methods.join('|')} ${String(layer.path)}`
    if (needsCaller(accessOf(declaration)) && !callerKnown) {
      throw new TypeError(
        `${label} demands a caller or scopes, and no policy authenticates; add authenticate()`,
      )
    }
    if (declaration?.idempotency === 'required' && !has('idempotency')) {
      throw new TypeError(`${label} demands an Idempotency-Key, and no policy reads it; add idempotency()`)
    }
  }
}
