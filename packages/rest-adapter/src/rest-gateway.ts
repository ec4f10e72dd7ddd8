import { gate, type GateOptions, type Policy } from '@headgate/core'
import type { Middleware } from 'koa'
import { type KoaRouter, rest, type RestOptions } from './rest.js'

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
export function restGateway(router: KoaRouter, options: RestGatewayOptions): Middleware {
  const { policies, unmatched, ...setting } = options ?? {}
  if (Object.hasOwn(setting, 'channels')) {
    throw new TypeError('restGateway: for more channels than the router use gate(policies, { channels })')
  }
  const channel = rest(router, unmatched === undefined ? {} : { unmatched })
  return gate(policies, { ...setting, channels: [channel] })
}
