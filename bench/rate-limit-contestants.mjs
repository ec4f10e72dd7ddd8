// @ts-check
import { hotDeny, keyOf, leased } from '@headgate/core'
import { redisRateLimitStore } from '@headgate/core/redis'
import ratelimit from 'koa-ratelimit'
import { RedisStore } from 'rate-limit-redis'
import { RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible'

/**
 * @typedef {object} Setting
 * @property {import('ioredis').Redis} client
 * @property {number} quotas
 * @property {boolean} isTight one unit in a day; otherwise more than a run can take.
 * @property {string} prefix
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {'allowed' | 'denied'} [only]
 * @property {(setting: Setting) => (key: number) => boolean | Promise<boolean>} create makes what decides about a caller.
 */

const DAY = 86_400
/** Units in a day: more than a run can take. */
const PLENTY = 1_000_000_000

/** @type {readonly Contestant[]} */
export const CONTESTANTS = [
  { name: 'rate-limiter-flexible', create: (setting) => flexible(setting, false) },
  {
    name: 'rate-limiter-flexible, block in memory',
    only: 'denied',
    create: (setting) => flexible(setting, true),
  },
  { name: 'express-rate-limit + rate-limit-redis', create: express },
  { name: 'koa-ratelimit', create: koa },
  { name: 'headgate', create: (setting) => headgate(setting, (store) => store) },
  {
    name: 'headgate, hotDeny',
    only: 'denied',
    create: (setting) => headgate(setting, (store) => hotDeny(store)),
  },
  {
    name: 'headgate, leases of 50',
    only: 'allowed',
    // The next 50 are asked for when an eighth is left: `maxUnits` bounds both together.
    create: (setting) => headgate(setting, (store) => leased(store, { maxUnits: 57 })),
  },
]

/**
 * @param {Setting} setting
 * @param {(store: import('@headgate/core').BudgetStore) => import('@headgate/core').BudgetStore} wrap
 */
function headgate({ client, quotas, isTight, prefix }, wrap) {
  const store = wrap(redisRateLimitStore(client, { prefix: `${prefix}:`, deadline: 5_000 }))
  const rate = isTight
    ? { interval: DAY * 1e6, burst: 1 }
    : { interval: Math.ceil((DAY * 1e6) / PLENTY), burst: PLENTY }
  const plans = Array.from({ length: 1_000 }, (_, caller) => {
    const key = keyOf('bench', caller)
    return Array.from({ length: quotas }, (__, quota) => ({ ...rate, quota: `q${quota}`, key, cost: 1 }))
  })
  return (/** @type {number} */ key) => {
    const decision = store.consume(plans[key] ?? [])
    return decision instanceof Promise ? decision.then(isAdmitted) : isAdmitted(decision)
  }
}

/** @param {import('@headgate/core').RateLimitDecision} decision */
function isAdmitted({ outcome }) {
  return outcome === 'admitted'
}

/** @param {Setting} setting @param {boolean} inMemory */
function flexible({ client, quotas, isTight, prefix }, inMemory) {
  const points = isTight ? 1 : PLENTY
  const limiters = Array.from(
    { length: quotas },
    (_, quota) =>
      new RateLimiterRedis({
        storeClient: client,
        keyPrefix: `${prefix}:${quota}`,
        points,
        duration: DAY,
        ...(inMemory && { inMemoryBlockOnConsumed: points + 1 }),
      }),
  )
  const [only] = limiters
  const limiter = quotas === 1 && only !== undefined ? only : new RateLimiterUnion(...limiters)
  return async (/** @type {number} */ key) => {
    try {
      await limiter.consume(`caller-${key}`)
      return true
    } catch (error) {
      if (error instanceof Error) throw error
      return false
    }
  }
}

/** @param {Setting} setting */
function express({ client, quotas, isTight, prefix }) {
  const limit = isTight ? 1 : PLENTY
  const stores = Array.from({ length: quotas }, (_, quota) => {
    const store = new RedisStore({
      prefix: `${prefix}:${quota}:`,
      sendCommand: (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
        /** @type {Promise<any>} */ (client.call(command, ...args)),
    })
    void store.init(/** @type {any} */ ({ windowMs: DAY * 1_000 }))
    return store
  })
  return async (/** @type {number} */ key) => {
    for (const store of stores) {
      const { totalHits } = await store.increment(`caller-${key}`)
      if (totalHits > limit) return false
    }
    return true
  }
}

/** @param {Setting} setting */
function koa({ client, quotas, isTight, prefix }) {
  // Its log of a caller is cut to the limit: "plenty" is a limit that a run can't reach and a log can hold.
  const max = isTight ? 1 : 100
  const layers = Array.from({ length: quotas }, (_, quota) =>
    ratelimit({
      driver: 'redis',
      db: client,
      duration: isTight ? DAY * 1_000 : 1,
      max,
      namespace: `${prefix}:${quota}`,
      id: (/** @type {any} */ ctx) => ctx.caller,
      disableHeader: true,
      throw: false,
    }),
  )
  return async (/** @type {number} */ key) => {
    const ctx = { caller: `caller-${key}`, status: 200, set: () => undefined, state: {} }
    for (const layer of layers) {
      let passed = false
      await layer(/** @type {any} */ (ctx), async () => void (passed = true))
      if (!passed) return false
    }
    return true
  }
}
