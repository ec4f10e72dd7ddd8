import {
  apiKey,
  apiKeyDigest,
  authenticate,
  cache,
  idempotency,
  memoryApiKeys,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  rateLimit,
} from '@headgate/core'
import { graphqlGateway } from '../src/gateway.js'
import type { GraphqlOptions } from '../src/options.js'
import type { Rules } from '../src/rules.js'
import { inventory, type Loaders } from './inventory.js'
import { mounted, post, start } from './server.js'

/** Callers and their keys; only `writer` may write. */
export const KEYS = {
  reader: 'reader-key-0000000000',
  writer: 'writer-key-0000000000',
  other: 'other-key-00000000000',
}

/** Rules of the inventory. */
export const RULES: Rules = {
  'Query.item': { cache: { ttl: '1m' }, scopes: ['items:read'] },
  'Query.items': { cache: { ttl: '1m' }, cost: 2 },
  'Query.whoami': { cache: { ttl: '1m', public: true }, access: 'optional' },
  'Query.search': { cache: { ttl: '1m', public: true }, access: 'optional' },
  'Mutation.createItem': {
    scopes: ['items:write'],
    cost: 5,
    idempotency: 'required',
    invalidates: () => ['Item[]'],
  },
  'Mutation.removeItem': { invalidates: ({ id }: { id: string }) => [`Item:${id}`, 'Item[]'] },
}

/** Real policies over memory, as a service would put them together. */
export function policies(budget = 60) {
  const records = Object.entries(KEYS).map(([subject, key]) => ({
    digest: apiKeyDigest(key),
    keyId: subject,
    subject,
    scopes: subject === 'writer' ? ['items:read', 'items:write'] : ['items:read'],
  }))
  return [
    authenticate([apiKey({ lookup: memoryApiKeys(records) })]),
    rateLimit({
      store: memoryRateLimitStore(),
      quotas: [{ name: 'burst', limit: budget, window: '1m', burst: budget }],
    }),
    idempotency({ store: memoryIdempotencyStore() }),
    cache({ store: memoryCacheStore() }),
  ]
}

/** A gateway to an inventory of its own, with real policies. */
export async function gateway(options: Partial<GraphqlOptions<Loaders>> = {}) {
  const { schema, rootValue, loaders, ...stock } = inventory()
  const all = { schema, rootValue, loaders, rules: RULES, ...options }
  const server = await start(mounted('/graphql', graphqlGateway({ ...all, policies: policies() })))
  const ask = (
    query: string,
    headers: Record<string, string> = {},
    key: keyof typeof KEYS = 'writer',
    variables?: object,
  ): Promise<Response> =>
    post(`${server.url}/graphql`, { query, variables }, { 'x-api-key': KEYS[key], ...headers })
  return { ...server, ...stock, ask }
}
