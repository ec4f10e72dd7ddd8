import { expect, test } from '@jest/globals'
import type { RateLimitStore } from '../../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { rateLimitStoreSuite } from '../../../src/testing/rate-limit-store-suite.js'

/** What a store does wrong when it settles, blocks or holds slots. */
type Fault = (store: RateLimitStore) => Partial<RateLimitStore>

const faults: Record<string, Fault> = {
  'never gives anything back': () => ({ settle: () => undefined }),
  'gives the difference back though time has already': (store) => ({
    async settle({ charges }, costs) {
      for (const [index, one] of charges.entries()) {
        await store.consume([{ ...one, cost: (costs[index] ?? one.cost) - one.cost }])
      }
    },
  }),
  'settles all charges by the cost of the first': (store) => ({
    settle: (receipt, [first = 0]) =>
      store.settle(
        receipt,
        receipt.charges.map(() => first),
      ),
  }),
  'takes nothing for what a request cost more': (store) => ({
    settle: (receipt, costs) =>
      store.settle(
        receipt,
        receipt.charges.map(({ cost }, index) => Math.min(cost, costs[index] ?? cost)),
      ),
  }),
  'lets reservations last for ever': (store) => ({
    consume: (charges, options) =>
      store.consume(charges, options === undefined ? {} : { reserve: 86_400_000 }),
  }),
  'blocks nobody': () => ({ block: () => undefined }),
  'blocks for too long': (store) => ({ block: (key, duration) => store.block(key, duration * 2) }),
  'blocks everybody': (store) => {
    let until = 0
    return {
      block: (_key, duration) => void (until = duration),
      consume: async (charges, options) =>
        until > 0 ? { outcome: 'denied', wait: until, quotas: [] } : store.consume(charges, options),
    }
  },
  'has one slot too many': (store) => ({
    acquire: (slots, lease) =>
      store.acquire(
        slots.map((slot) => ({ ...slot, limit: slot.limit + 1 })),
        lease,
      ),
  }),
  'holds slots for ever': (store) => ({ acquire: (slots) => store.acquire(slots, 86_400_000) }),
  'renews what has lapsed': (store) => ({
    async renew(hold, lease) {
      await store.renew(hold, lease)
      return true
    },
  }),
  'renews nothing': () => ({ renew: () => true }),
  'gives no slot back': () => ({ release: () => undefined }),
  'has one set of slots for all keys': (store) => ({
    acquire: (slots, lease) =>
      store.acquire(
        slots.map((slot, index) => ({ ...slot, key: `one ${index}` })),
        lease,
      ),
  }),
}

test.each(Object.entries(faults))('the suite notices a store that %s', async (_name, fault) => {
  const suite = rateLimitStoreSuite((clock) => {
    const store = memoryRateLimitStore({ clock })
    return { ...store, ...fault(store) }
  })
  const runs = await Promise.allSettled(suite.map((one) => one.run()))
  expect(runs.some(({ status }) => status === 'rejected')).toBe(true)
})
