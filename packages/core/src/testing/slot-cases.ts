import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { RateLimitStore, SlotHold, SlotRequest } from '../rate-limit/store.js'
import type { Cases } from './rate-limit-subject.js'

/** Slots for what runs at the same time. */
export const SLOT_CASES: Cases = {
  'there are as many slots as the limit says': async ({ store, key }) => {
    const slot = { quota: 'running', key, limit: 2 }
    const decisions = await Promise.all(Array.from({ length: 10 }, async () => store.acquire([slot], 5_000)))
    strictEqual(decisions.filter(({ outcome }) => outcome === 'acquired').length, 2)
    deepStrictEqual(await store.acquire([slot], 5_000), { outcome: 'full', free: [0] })
    strictEqual((await store.acquire([{ ...slot, key: `${key} other` }], 5_000)).outcome, 'acquired')
    strictEqual((await store.acquire([{ ...slot, quota: 'other' }], 5_000)).outcome, 'acquired')
  },

  'slots are taken of all quotas or of none': async ({ store, key }) => {
    const slots = [
      { quota: 'wide', key, limit: 5 },
      { quota: 'narrow', key, limit: 1 },
      { quota: 'wide', key: `${key} shared`, limit: 5 },
    ]
    const hold = await acquire(store, slots)
    deepStrictEqual(await store.acquire(slots, 5_000), { outcome: 'full', free: [4, 0, 4] })
    await store.release(hold)
    deepStrictEqual((await store.acquire(slots, 5_000)).free, [4, 0, 4])
  },

  'a slot that is given back is free, and giving it back twice frees no other': async ({ store, key }) => {
    const slot = { quota: 'running', key, limit: 2 }
    const [first] = [await acquire(store, [slot]), await acquire(store, [slot])]
    for (let times = 0; times < 3; times += 1) await store.release(first)
    strictEqual((await store.acquire([slot], 5_000)).outcome, 'acquired')
    strictEqual((await store.acquire([slot], 5_000)).outcome, 'full')
  },

  'who crashed frees a slot when the lease is over; who renews keeps it': async ({ store, clock, key }) => {
    const slot = { quota: 'running', key, limit: 2 }
    await acquire(store, [slot])
    const renewing = await acquire(store, [slot])
    await clock.advance(4_000)
    strictEqual(await store.renew(renewing, 5_000), true)
    await clock.advance(1_000)
    strictEqual((await store.acquire([slot], 5_000)).outcome, 'acquired')
    strictEqual((await store.acquire([slot], 5_000)).outcome, 'full')
  },

  'a lapsed slot is not renewed: it may be taken': async ({ store, clock, key }) => {
    const slot = { quota: 'running', key, limit: 1 }
    const late = await acquire(store, [slot])
    await clock.advance(5_000)
    strictEqual(await store.renew(late, 5_000), false)
    const next = await acquire(store, [slot])
    strictEqual(await store.renew(late, 5_000), false)
    await store.release(late)
    strictEqual((await store.acquire([slot], 5_000)).outcome, 'full')
    strictEqual(await store.renew(next, 5_000), true)
  },

  'a lower limit takes no slot away and gives none': async ({ store, key }) => {
    const slot = { quota: 'running', key, limit: 3 }
    const hold = await acquire(store, [slot])
    await acquire(store, [slot])
    deepStrictEqual(await store.acquire([{ ...slot, limit: 1 }], 5_000), { outcome: 'full', free: [0] })
    await store.release(hold)
    deepStrictEqual((await store.acquire([{ ...slot, limit: 2 }], 5_000)).free, [0])
  },
}

async function acquire(store: RateLimitStore, slots: readonly SlotRequest[]): Promise<SlotHold> {
  const decision = await store.acquire(slots, 5_000)
  ok(decision.outcome === 'acquired')
  return decision.hold
}
