// @ts-check
/** A whole gate in front of REST and GraphQL, and every part of a request that a client may choose anew each time. */
import {
  apiKey,
  authenticate,
  cache,
  concurrencyLimit,
  gate,
  idempotency,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  rateLimit,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { graphql } from '@headgate/graphql-adapter'
import { operation, rest } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import Koa from 'koa'
import { addressOf, recordOf } from './credentials.mjs'
import { inject } from './inject.mjs'

const MOST = 40

/** @type {Readonly<Record<string, import('./stores.mjs').Kind>>} */
export const GATE_KINDS = {
  'a gate in front of REST': () => whole(restRequests),
  'a gate in front of GraphQL': () => whole(graphqlRequests),
}

function whole(/** @type {(key: string) => Requests} */ requestsOf) {
  const clock = new ManualClock()
  const listener = application(clock).callback()
  return {
    async touch(/** @type {string} */ key) {
      for (const [expected, request] of requestsOf(key)) {
        const status = await inject(listener, request)
        if (!expected.includes(status)) throw new Error(`soak: ${request.path} is ${status}`)
      }
      clock.step(clock.now() + 3_000)
    },
  }
}

/**
 * What is sent with a key that nobody used before, and the statuses it may get.
 *
 * @typedef {readonly (readonly [readonly number[], Parameters<typeof inject>[1]])[]} Requests
 */

/** @returns {Requests} */
function restRequests(/** @type {string} */ key) {
  const address = addressOf(key)
  const guesser = addressOf(String(Number(key) + 10_000_000))
  const known = headersOf(key)
  const keyed = { ...known, 'content-type': 'application/json', 'idempotency-key': `key-${key}` }
  const item = { path: `/items/${key}`, address, headers: { ...known, 'accept-language': `x-${key}` } }
  const guess = { 'x-api-key': `key-of-nobody-${key}` }
  return [
    [[401], { path: `/items/${key}`, address: guesser, headers: guess }],
    [[200], item],
    [[200], item],
    [[404], { path: `/nothing/${key}?${key}`, address, headers: known }],
    [[201], { method: 'POST', path: '/items', address, headers: keyed, body: `{"n":${key}}` }],
  ]
}

/** @returns {Requests} */
function graphqlRequests(/** @type {string} */ key) {
  const headers = { ...headersOf(key), 'content-type': 'application/json' }
  const keyed = { ...headers, 'idempotency-key': `key-${key}` }
  const post = (/** @type {string} */ query, own = headers) => {
    const body = JSON.stringify({ query })
    return { method: 'POST', path: '/graphql', address: addressOf(key), headers: own, body }
  }
  return [
    [[200], post(`{ item_${key}: item(id: "${key}") { id } }`)],
    [[200], post(`{ nothing_${key} }`)],
    [[200], post(`mutation { touch(id: "${key}") { id } }`, keyed)],
  ]
}

function headersOf(/** @type {string} */ key) {
  return { 'x-api-key': `key-of-a-caller-${key}`, 'x-request-id': `request-${key}` }
}

function application(/** @type {ManualClock} */ clock) {
  const limits = memoryRateLimitStore({ clock, maxEntries: MOST })
  const router = new Router()
  router.get(
    '/items/:id',
    operation({ cache: { ttl: '1h', vary: ['accept-language'] } }),
    (ctx) => void (ctx.body = { id: ctx.params['id'] }),
  )
  router.post('/items', operation({ idempotency: 'required', cost: 5 }), (ctx) => {
    ctx.status = 201
    ctx.body = { id: 1 }
  })
  const schema = buildSchema(`
    type Item { id: ID! }
    type Query { item(id: ID!): Item }
    type Mutation { touch(id: ID!): Item }
  `)
  const channels = [
    graphql({
      schema,
      rootValue: { item: itemOf, touch: itemOf },
      rules: { 'Query.item': { cache: { ttl: '1h' } } },
      documents: { maxEntries: MOST },
    }),
    rest(router),
  ]
  const scheme = apiKey({ lookup: find, clock })
  const known = {
    ...scheme,
    verify: (/** @type {string} */ key, /** @type {any} */ exchange) =>
      key.startsWith('key-of-a-caller')
        ? scheme.verify(key, exchange)
        : /** @type {const} */ ({ verdict: 'rejected', reason: 'unknown' }),
  }
  const app = new Koa()
  app.silent = true
  return app.use(
    gate(
      [
        authenticate([known], { failures: { store: limits, quota: { limit: 2, window: '1m' }, clock } }),
        rateLimit({
          store: limits,
          clock,
          quotas: [
            { name: 'caller', limit: 100, window: '1m', burst: 50 },
            { name: 'address', limit: 100, window: '1m', burst: 50, key: 'ip' },
            { name: 'watched', limit: 10, window: '1m', shadow: true },
          ],
        }),
        concurrencyLimit({ store: limits, clock, quotas: [{ name: 'flight', limit: 5 }] }),
        idempotency({ store: memoryIdempotencyStore({ clock, maxEntries: MOST }), clock, retention: '1m' }),
        cache({ store: memoryCacheStore({ clock, maxBytes: MOST * 2_048, maxTags: MOST }), clock }),
      ],
      { channels, requestId: 'x-request-id', trustedProxies: { hops: 1 } },
    ),
  )
}

function itemOf(/** @type {{ id: string }} */ { id }) {
  return { id }
}

function find(/** @type {{ digest: string }} */ { digest }) {
  return recordOf(digest)
}
