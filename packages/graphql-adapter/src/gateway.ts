import { gate, type GateOptions, type Policy } from '@headgate/core'
import type { Middleware } from 'koa'
import { graphql } from './graphql.js'
import { type GraphqlOptions, OPTION_NAMES } from './options.js'

/** Settings of a gateway: of the endpoint, of the gate, and the gate's policies. */
export interface GraphqlGatewayOptions<Loaders = unknown>
  extends GraphqlOptions<Loaders>, Omit<GateOptions, 'channels'> {
  /** What decides about requests, in the gate's order. */
  readonly policies: readonly Policy[]
}

/**
 * A gate with GraphQL behind it, as one middleware: `app.use(mount('/graphql', graphqlGateway({ schema, policies })))`.
 *
 * @throws TypeError at start-up for whatever `gate` and `graphql` refuse.
 */
export function graphqlGateway<Loaders = unknown>(options: GraphqlGatewayOptions<Loaders>): Middleware {
  const { policies, ...rest } = options
  if (Object.hasOwn(rest, 'channels')) {
    throw new TypeError('graphqlGateway: for more channels than this one use gate(policies, { channels })')
  }
  const own = Object.entries(rest).filter(([name]) => isOwn(name))
  const others = Object.entries(rest).filter(([name]) => !isOwn(name))
  const channel = graphql(Object.fromEntries(own) as unknown as GraphqlOptions<Loaders>)
  return gate(policies, { ...Object.fromEntries(others), channels: [channel] })
}

function isOwn(name: string): boolean {
  return OPTION_NAMES.some((own) => own === name)
}
