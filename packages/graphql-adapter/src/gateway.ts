import { gate, type GateOptions, type Policy } from '@headgate/core'
import type { Middleware } from 'koa'
import { graphql } from './graphql.js'
import { type GraphqlOptions, OPTION_NAMES } from './options.js'
import type { RootFieldRule } from './rules.js'

/** Settings of a gateway: of the endpoint, of the gate, and the gate's policies. */
export interface GraphqlGatewayOptions<Loaders = unknown>
  extends GraphqlOptions<Loaders>, Omit<GateOptions, 'channels'> {
  /** What decides about requests, in the gate's order. */
  readonly policies: readonly Policy[]
}

/**
 * A gate with GraphQL behind it, as one middleware: `app.use(mount('/graphql', graphqlGateway({ schema, policies })))`.
 *
 * @throws TypeError at start-up when a rule asks for a policy that is not there, and for whatever `gate` and
 *   `graphql` refuse.
 */
export function graphqlGateway<Loaders = unknown>(options: GraphqlGatewayOptions<Loaders>): Middleware {
  const { policies, ...rest } = options
  const own = Object.entries(rest).filter(([name]) => isOwn(name))
  const others = Object.entries(rest).filter(([name]) => !isOwn(name))
  const channel = graphql(Object.fromEntries(own) as unknown as GraphqlOptions<Loaders>)
  const middleware = gate(policies, { ...Object.fromEntries(others), channels: [channel] })
  checkPolicies(policies, Object.entries(options.rules ?? {}), options.identity !== undefined)
  return middleware
}

function isOwn(name: string): boolean {
  return OPTION_NAMES.some((own) => own === name)
}

function checkPolicies(
  policies: readonly Policy[],
  rules: readonly (readonly [string, RootFieldRule])[],
  identityGiven: boolean,
): void {
  const stages = new Set(policies.map(({ stage }) => stage))
  for (const [coordinate, rule] of rules) {
    const option = `graphqlGateway: rules['${coordinate}']`
    const namesCallers = rule.scopes !== undefined || rule.access === 'required'
    if (namesCallers && !identityGiven && !stages.has('authenticate')) {
      throw new TypeError(`${option} names who may ask; policies need authenticate() to know who does`)
    }
    if (rule.idempotency === 'required' && !stages.has('idempotency')) {
      throw new TypeError(`${option} demands an Idempotency-Key; policies need idempotency() to check it`)
    }
  }
}
