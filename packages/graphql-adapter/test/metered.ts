import {
  cache,
  createIdentity,
  gate,
  idempotency,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  type Policy,
  type Quota,
  rateLimit,
  type RateLimitStore,
  type ReportedEvent,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { graphql, type GraphqlContext, type GraphqlOptions, type ObjectCosts } from '../src/index.js'
import type { GraphQLResolveInfo } from 'graphql'
import { inventory, type Loaders } from './inventory.js'
import { post, start } from './server.js'

const ANN = createIdentity({ scheme: 'test', subject: 'ann' })

/** Sizes of the inventory's lists. */
export const COSTS: ObjectCosts = {
  assumedSize: 10,
  lists: { 'Query.items': { slicingArguments: ['first'] }, 'Item.related': { assumedSize: 2 } },
}

/** 100 units at once, 100 in an hour. */
export const UNITS: Quota = { name: 'units', limit: 100, window: '1h', burst: 100 }

/** What a metered gateway may be opened with. */
export interface Metering {
  /** Default: {@link UNITS}. */
  readonly quotas?: readonly Quota[]
  /** Default: in memory. */
  readonly store?: (clock: ManualClock) => RateLimitStore
  /** Policies before the limiter. Default: none. */
  readonly before?: (clock: ManualClock) => readonly Policy[]
  /** Settings of the endpoint beside its schema. Default: root fields alone cost something. */
  readonly options?: Partial<GraphqlOptions<Loaders>>
}

/** Resolvers that tests may replace. */
interface Resolvers {
  signIn: (args: { name: string }, context: GraphqlContext, info: GraphQLResolveInfo) => unknown
  createItem: (args: { input: object }, context: GraphqlContext, info: GraphQLResolveInfo) => unknown
}

/** A gateway whose clock stands still, with budgets, and two items behind it. */
export async function metered({ quotas = [UNITS], store, before, options }: Metering = {}) {
  const clock = new ManualClock()
  const { schema, rootValue, loaders, items, calls } = inventory()
  const events: ReportedEvent[] = []
  const channel = graphql({
    schema,
    rootValue,
    loaders,
    rules: {
      'Query.items': { cost: 2, cache: { ttl: '1m' } },
      'Query.broken': { cost: 7 },
      'Mutation.createItem': { cost: 5 },
      'Mutation.signIn': { cost: 10 },
    },
    ...options,
  })
  const policies = [
    ...(before?.(clock) ?? []),
    rateLimit({ store: store?.(clock) ?? memoryRateLimitStore({ clock }), quotas, clock }),
    idempotency({ store: memoryIdempotencyStore({ clock }), clock }),
    cache({ store: memoryCacheStore({ clock }), clock }),
  ]
  const server = await start(
    gate(policies, { channels: [channel], identity: () => ANN, onEvent: (event) => void events.push(event) }),
  )
  const url = `${server.url}/graphql`
  /** Sends a request, and says what was left while it ran. */
  const ask = async (
    query: string,
    variables: object = {},
    headers: Record<string, string> = {},
    extensions?: object,
  ) => {
    const response = await post(url, { query, variables, ...(extensions && { extensions }) }, headers)
    const body: unknown = await response.json()
    const during = /r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]
    return { status: response.status, body, during: Number(during), headers: response.headers }
  }
  /** What is left now. A look that costs 1. */
  const left = async () => 1 + (await ask('{ whoami }')).during
  return { ask, left, url, items, calls, events, clock, rootValue: rootValue as Resolvers }
}
