import * as core from '@headgate/core'
import { redisApiKeys, redisRateLimitStore, redisReplayStore, redisStores } from '@headgate/core/redis'
import { graphqlGateway } from '@headgate/graphql-adapter'
import { operation, rest, restGateway } from '@headgate/rest-adapter'
import { expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'

const stores = core.memoryStores()
const lookup = core.memoryApiKeys([])
const QUOTA = { name: 'a', limit: 10, window: '1m' }
const KEY = { digest: core.apiKeyDigest('k'), keyId: 'k', subject: 'ann' }
const URL = 'redis://:password@127.0.0.1'
const TOKENS = { issuer: 'https://id.example', audience: 'shop' }

type Loose = (...values: unknown[]) => never
/** Without types, as from JavaScript and from `any`. */
const {
  apiKey,
  apiKeyDigest,
  authenticate,
  cache,
  createIdentity,
  entityTag,
  gate,
  jwt,
  memoryApiKeys,
  rateLimit,
  refuse,
} = core as unknown as Readonly<Record<keyof typeof core, Loose>>
const [looseStores, looseBudgets, looseKeys, looseReplay] = [
  redisStores,
  redisRateLimitStore,
  redisApiKeys,
  redisReplayStore,
] as unknown as Loose[]
const [looseRest, looseGateway, looseOperation] = [rest, restGateway, operation] as unknown as [
  Loose,
  Loose,
  Loose,
]

const quota = (wrong: object) => () =>
  rateLimit({ store: stores.rateLimit, quotas: [{ ...QUOTA, ...wrong }] })
const limiter = (wrong: object) => () => rateLimit({ store: stores.rateLimit, quotas: [QUOTA], ...wrong })

/** What a newcomer gets wrong, and what the error must name: the option, and what it takes. */
test.each<[string, () => unknown, string]>([
  [
    'all stores for one',
    limiter({ store: stores }),
    'rateLimit: store is required and must have the methods consume',
  ],
  ['koa-ratelimit’s max', limiter({ max: 5 }), "rateLimit: unknown option 'max'; known are"],
  [
    'and its duration',
    quota({ duration: 5 }),
    "rateLimit: quotas[0]: unknown option 'duration'; known are name, limit",
  ],
  [
    'a list of addresses',
    limiter({ allow: ['10.0.0.1'] }),
    'rateLimit: allow must be an object; known are addresses',
  ],
  ['a number in text', quota({ limit: '10' }), "quotas[0].limit must be an integer of at least 1; got '10'"],
  [
    'no window',
    quota({ window: undefined }),
    'quotas[0].window must be a positive duration in milliseconds or like',
  ],
  ['words for a duration', quota({ window: '1 minute' }), "'1m', '12h', '7d'; got '1 minute'"],
  ['a whole address', limiter({ ipv6Prefix: 128 }), 'ipv6Prefix must be an integer from 32 to 64; got 128'],
  ['no quota by that key', quota({ key: 'user' }), "quotas[0].key must be one of 'identity', 'tenant', 'ip'"],
  ['a policy for policies', () => gate(rateLimit), 'gate: policies must be an array'],
  ['a middleware for a policy', () => gate([async () => {}]), 'gate: policies[0] is not a policy'],
  [
    'a router for a channel',
    () => gate([], { channels: [new Router()] }),
    'gate: channels[0] is required and must',
  ],
  ['a channel for channels', () => gate([], { channels: {} }), 'gate: channels must be an array'],
  ['an identity, no function', () => gate([], { identity: {} }), 'gate: identity must be a function'],
  ['a declaration, no function', () => gate([], { operation: {} }), 'gate: operation must be a function'],
  ['a logger, no function', () => gate([], { onEvent: console }), 'gate: onEvent must be a function'],
  [
    'express’s trust proxy',
    () => gate([], { trustedProxies: true }),
    'trustedProxies: options must be an object; known',
  ],
  [
    'limits before callers',
    () => gate([limiter({})()]),
    'put authenticate() before it, or give the gate an identity',
  ],
  ['a scheme for schemes', () => authenticate(apiKey({ lookup })), 'authenticate: schemes must be an array'],
  ['a table for a lookup', () => apiKey({ lookup: new Map() }), 'apiKey: lookup must be a function'],
  ['a table of keys', () => memoryApiKeys({ a: 1 }), 'memoryApiKeys: records must be a list'],
  [
    'a key for its record',
    () => memoryApiKeys(['key']),
    'memoryApiKeys: records[0] must be an object; known are',
  ],
  ['a variable not set', () => apiKeyDigest(undefined), 'apiKeyDigest: key must be a non-empty string'],
  ['koa-jwt’s options', () => jwt({ secret: 'x'.repeat(32) }), 'jwt: issuer must be a non-empty string'],
  [
    'a password for a secret',
    () => jwt({ ...TOKENS, secret: 'shhh' }),
    'jwt: secret must have at least 32 bytes',
  ],
  [
    'a shared secret’s algorithm for a key',
    () => jwt({ ...TOKENS, keys: [{ key: '', algorithm: 'HS256' }] }),
    "jwt: keys[0].algorithm must be one of 'RS256', 'RS384'",
  ],
  [
    'cache: false',
    () => jwt({ ...TOKENS, secret: 'x'.repeat(32), cache: false }),
    'jwt: cache must be an object',
  ],
  [
    'a user without id',
    () => createIdentity({ scheme: 'x' }),
    'createIdentity: subject must be a non-empty string',
  ],
  [
    'an end in seconds',
    () => createIdentity({ scheme: 'x', subject: 'ann', expiresAt: 2_000_000_000 }),
    'createIdentity: expiresAt must be milliseconds since the Unix epoch, not seconds',
  ],
  [
    'a beginning in seconds',
    () => memoryApiKeys([{ ...KEY, notBefore: 2_000_000_000 }]),
    'records[0].notBefore must be milliseconds since the Unix epoch, not seconds',
  ],
  ['no such refusal', () => refuse('nope'), "refuse: code must be one of REFUSALS; got 'nope'"],
  ['a refusal of every object', () => refuse('constructor'), "got 'constructor'"],
  ['a URL for Redis', () => looseStores?.(URL), `redisStores: client must be an ioredis client, made by new`],
  ['the same for limits', () => looseBudgets?.(URL), `redisRateLimitStore: client must be an ioredis client`],
  ['the same for keys', () => looseKeys?.(URL), `redisApiKeys: client must be an ioredis client`],
  ['the same for proofs', () => looseReplay?.(undefined), `redisReplayStore: client must be an ioredis`],
  [
    'a time to live for all',
    () => cache({ store: stores.cache, ttl: '1m' }),
    "cache: unknown option 'ttl'; known are",
  ],
  [
    'a tag of nothing',
    () => entityTag('Item', undefined),
    "entityTag: the id of 'Item' must be a string or a finite",
  ],
  [
    'the routes for the router',
    () => looseGateway(new Router().routes(), {}),
    'rest: router must be a Router',
  ],
  ['nothing for the router', () => looseRest(undefined), 'rest: router must be a Router'],
  ['no policies', () => looseGateway(new Router()), 'gate: policies must be an array'],
  [
    'no policies for GraphQL',
    () => graphqlGateway({ schema: buildSchema('type Query { a: Int }') } as never),
    'policies',
  ],
  ['one scope as text', () => looseOperation({ scopes: 'a' }), 'operation: scopes must be a list of scopes'],
  [
    'a duration for a rule',
    () => looseOperation({ cache: '1m' }),
    'operation: cache must be an object; known are ttl',
  ],
])('%s', (_mistake, make, says) => {
  let error: unknown
  try {
    make()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toContain(says)
  expect((error as Error).message).not.toContain('password@')
})
