// @ts-check
/**
 * Every memory store and cache of core, each with small bounds, and what somebody may do to it with a key that nobody
 * used before.
 */
import {
  hotDeny,
  keyOf,
  leased,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  memoryReplayStore,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'

/**
 * One kind of unique keys: what to do with the next one.
 *
 * @typedef {() => { touch: (key: string) => unknown, clock?: ManualClock, perMillisecond?: number }} Kind
 */

const MOST = 500
const HOUR = 3_600_000

/** @type {Readonly<Record<string, Kind>>} */
export const STORE_KINDS = {
  'budgets that are used up'() {
    const clock = new ManualClock()
    const store = memoryRateLimitStore({ clock, maxEntries: MOST })
    return { touch: (key) => store.consume([charge(key, { interval: HOUR * 1_000, burst: 1 })]) }
  },
  'budgets that are reserved and settled'() {
    const clock = new ManualClock()
    const store = memoryRateLimitStore({ clock, maxEntries: MOST })
    return {
      async touch(key) {
        const charges = [charge(key, { interval: 10_000, burst: 50 }, 10)]
        const decision = await store.consume(charges, { reserve: 200 })
        if (decision.outcome === 'admitted' && decision.receipt && Number(key) % 2) {
          await store.settle(decision.receipt, [1])
        }
        clock.step(clock.now() + 1)
      },
    }
  },
  windows() {
    const clock = new ManualClock()
    const store = memoryRateLimitStore({ clock, maxEntries: MOST })
    const rate = { algorithm: 'sliding-window', window: 60_000_000, burst: 5 }
    return { touch: (key) => store.consume([charge(key, rate)]) }
  },
  'slots that nobody releases'() {
    const clock = new ManualClock()
    const store = memoryRateLimitStore({ clock, maxEntries: MOST })
    return {
      touch(key) {
        clock.step(clock.now() + 1)
        return store.acquire([{ quota: 'flight', key: keyOf(key), limit: 2 }], 2 * MOST)
      },
    }
  },
  'slots that are released'() {
    const store = memoryRateLimitStore({ clock: new ManualClock(), maxEntries: MOST })
    return {
      async touch(key) {
        const decision = await store.acquire([{ quota: 'flight', key: keyOf(key), limit: 2 }], HOUR)
        if (decision.outcome === 'acquired') await store.release(decision.hold)
      },
    }
  },
  'one key that is blocked again and again'() {
    const store = memoryRateLimitStore({ clock: new ManualClock(), maxEntries: MOST })
    return { touch: () => store.block(keyOf('one'), HOUR) }
  },
  'keys that are blocked'() {
    const store = memoryRateLimitStore({ clock: new ManualClock(), maxEntries: MOST })
    return {
      touch(key) {
        try {
          return store.block(keyOf(key), HOUR)
        } catch {
          return undefined // it is full
        }
      },
    }
  },
  'denials that are remembered'() {
    const clock = new ManualClock()
    const state = { remaining: 0, renewal: HOUR, wait: HOUR * 1_000 }
    const decision = /** @type {const} */ ({ outcome: 'denied', wait: HOUR * 1_000, quotas: [state] })
    const denying = { consume: () => decision, settle() {}, block() {} }
    const store = hotDeny(denying, { clock, maxEntries: MOST })
    return {
      async touch(key) {
        const charges = [charge(key, { interval: HOUR, burst: 1 })]
        await store.consume(charges)
        await store.consume(charges)
      },
    }
  },
  'callers with units taken ahead'() {
    const clock = new ManualClock()
    const store = leased(memoryRateLimitStore({ clock, maxEntries: MOST }), { clock, maxEntries: MOST })
    return {
      async touch(key) {
        await store.consume([charge(key, { interval: 1_000, burst: 100 })])
        await store.consume([charge(key, { interval: 1_000, burst: 100 })])
        if (Number(key) % 50 === 0) await clock.advance(500)
      },
    }
  },
  'idempotency keys in a full store'() {
    return { touch: claims(memoryIdempotencyStore({ clock: new ManualClock(), maxEntries: MOST })) }
  },
  'idempotency keys that end'() {
    const clock = new ManualClock()
    const claim = claims(memoryIdempotencyStore({ clock, maxEntries: 100_000 }))
    return {
      async touch(key) {
        await claim(key)
        clock.step(clock.now() + 2)
      },
    }
  },
  'ids that may be used once, in a full store'() {
    const store = memoryReplayStore({ clock: new ManualClock(), maxEntries: MOST, maxEntriesPerSource: MOST })
    return { touch: (key) => store.remember(keyOf(key), keyOf('source', key), HOUR) }
  },
  'ids that may be used once, and end'() {
    const clock = new ManualClock()
    const store = memoryReplayStore({ clock })
    return {
      touch(key) {
        clock.step(clock.now() + 1)
        return store.remember(keyOf(key), keyOf('source', key), MOST)
      },
    }
  },
  'cached answers'() {
    const store = memoryCacheStore({ clock: new ManualClock(), maxBytes: MOST * 2_048 })
    return { touch: (key) => fill(store, keyOf(key), keyOf('one'), [keyOf('tag', key)]) }
  },
  'variants of one answer'() {
    const store = memoryCacheStore({ clock: new ManualClock(), maxBytes: MOST * 2_048 })
    return { touch: (key) => fill(store, keyOf('one'), keyOf(key), [keyOf('tag')]) }
  },
  tags() {
    const store = memoryCacheStore({ clock: new ManualClock(), maxTags: MOST })
    return { touch: (key) => store.invalidate([keyOf('tag', key), keyOf('list', key)]) }
  },
}

/** What a soak must find: a store without a bound. */
/** @type {Readonly<Record<string, Kind>>} */
export const LEAKS = {
  'a store without a bound'() {
    const store = new Map()
    return { touch: (key) => void store.set(keyOf(key), true) }
  },
}

/** @returns {any} */
function charge(/** @type {string} */ key, /** @type {object} */ rate, cost = 1) {
  return { ...rate, quota: 'soak', key: keyOf(key), cost }
}

function claims(/** @type {import('@headgate/core').IdempotencyStore} */ store) {
  return async (/** @type {string} */ key) => {
    const cell = keyOf(key)
    const init = { owner: key, share: keyOf('share', key), fingerprint: cell, lease: 500, retention: 500 }
    const claim = await store.claim(cell, { ...init, barrier: 'now', keyTime: undefined })
    if (claim.state !== 'won' || Number(key) % 3 === 0) return
    const record = /** @type {const} */ ({ outcome: 'answered', status: 201, headers: {} })
    await store.complete(cell, claim.fence, { ...record, body: Buffer.from(key) }, 500)
  }
}

async function fill(
  /** @type {import('@headgate/core').CacheStore} */ store,
  /** @type {string} */ key,
  /** @type {string} */ variant,
  /** @type {readonly string[]} */ tags,
) {
  const { ticket } = await store.lookup([key], () => variant)
  const body = Buffer.alloc(512, 'x')
  const answer = {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body,
    lifetime: HOUR,
    initialAge: 0,
  }
  await store.fill(key, ticket, { vary: ['accept-language'], variant, tags, keep: HOUR, answer })
}
