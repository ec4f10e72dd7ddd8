// @ts-check
/// <reference types="node" />
/** What a request may pass before its handler: nothing, peers of npm, the gate with one policy after another. */
import {
  authenticate,
  cache,
  gate,
  idempotency,
  jwt,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  rateLimit,
} from '@headgate/core'
import koaJwt from 'koa-jwt'
import koaRateLimit from 'koa-ratelimit'

const MINUTE = 60_000
/** Nobody reaches it. */
const LIMIT = 10_000_000

const howMuch = () =>
  rateLimit({ store: memoryRateLimitStore(), quotas: [{ name: 'caller', limit: LIMIT, window: '1m' }] })
const once = () => idempotency({ store: memoryIdempotencyStore() })
const known = () => cache({ store: memoryCacheStore() })

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} path what is asked for: the cached contestants answer from their store
 * @property {readonly import('koa').Middleware[]} middleware
 */

/**
 * @param {{ issuer: string, audience: string, publicKey: import('node:crypto').KeyObject }} tokens
 * @returns {readonly Contestant[]}
 */
export function contestants({ issuer, audience, publicKey }) {
  const who = () =>
    authenticate([jwt({ issuer, audience, keys: [{ key: publicKey, algorithm: 'RS256' }], kid: 'optional' })])
  const limited = koaRateLimit({
    driver: 'memory',
    db: new Map(),
    duration: MINUTE,
    max: LIMIT,
    id: (ctx) => ctx.state['user'].sub,
  })
  const identified = koaJwt({
    secret: /** @type {any} */ (publicKey),
    algorithms: ['RS256'],
    issuer,
    audience,
  })
  return [
    { name: 'bare Koa', path: '/item', middleware: [] },
    { name: 'koa-jwt 4', path: '/item', middleware: [identified] },
    { name: 'koa-jwt 4, koa-ratelimit 6 in memory', path: '/item', middleware: [identified, limited] },
    { name: 'gate without policies', path: '/item', middleware: [gate([])] },
    { name: 'gate: authenticate', path: '/item', middleware: [gate([who()])] },
    { name: 'gate: authenticate, rateLimit', path: '/item', middleware: [gate([who(), howMuch()])] },
    {
      name: 'gate: authenticate, rateLimit, idempotency, cache; the handler answers',
      path: '/item',
      middleware: [gate([who(), howMuch(), once(), known()])],
    },
    {
      name: 'the same, answered from the store',
      path: '/kept',
      middleware: [gate([who(), howMuch(), once(), known()])],
    },
  ]
}
