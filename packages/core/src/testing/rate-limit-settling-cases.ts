import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { MOST_RESERVATIONS } from '../rate-limit/store.js'
import {
  type Cases,
  charge,
  drain,
  look,
  remaining,
  reserve,
  SECOND,
  windowCharge,
} from './rate-limit-subject.js'

/** Settled charges and blocked keys. */
export const SETTLING_CASES: Cases = {
  'a receipt is given when it is asked for, and only then': async ({ store, key }) => {
    ok(!('receipt' in (await store.consume([charge(key)]))))
    const receipt = await reserve(store, [charge(key)])
    deepStrictEqual(receipt.charges, [charge(key)])
  },

  'a cheaper request gets the difference back, once': async ({ store, key }) => {
    const charges = [charge(key, { cost: 4 }), charge(key, { quota: 'other', burst: 9, cost: 4 })]
    const receipt = await reserve(store, charges)
    for (let times = 0; times < 2; times += 1) {
      await store.settle(receipt, [1, 3])
      deepStrictEqual(await Promise.all(charges.map((one) => remaining(store, one))), [4, 6])
    }
  },

  'a refund gives back nothing that time has given back already': async ({ store, clock, key }) => {
    const receipt = await reserve(store, [charge(key, { cost: 5 })])
    await clock.advance(60_000)
    strictEqual(await drain(store, charge(key)), 5)
    await store.settle(receipt, [0])
    strictEqual(await remaining(store, charge(key)), 0)
  },

  'a refund after others took leaves what they took': async ({ store, clock, key }) => {
    const early = await reserve(store, [charge(key, { cost: 3 })])
    await clock.advance(2_000)
    const late = await reserve(store, [charge(key, { cost: 4 })])
    // Had the early one cost nothing, the budget was full when the late one came.
    await store.settle(early, [0])
    deepStrictEqual((await look(store, charge(key))).quotas, [{ remaining: 1, renewal: SECOND, wait: 0 }])
    await store.settle(late, [1])
    strictEqual(await remaining(store, charge(key)), 4)
  },

  'a dearer request takes more, as far as the budget goes': async ({ store, key }) => {
    const receipt = await reserve(store, [charge(key)])
    await store.settle(receipt, [3])
    strictEqual(await remaining(store, charge(key)), 2)
    const looked = await reserve(store, [charge(key, { cost: 0 })])
    await store.settle(looked, [100])
    deepStrictEqual((await look(store, charge(key))).quotas, [{ remaining: 0, renewal: SECOND, wait: 0 }])
  },

  'a reservation lapses': async ({ store, clock, key }) => {
    const receipt = await reserve(store, [charge(key, { cost: 5 })], 1_500)
    await clock.advance(1_500)
    await store.settle(receipt, [0])
    strictEqual(await remaining(store, charge(key)), 1)
  },

  'a reservation that lapsed before the next one stays lapsed when the clock steps back': async ({
    store,
    clock,
    key,
  }) => {
    for (const [quota, reserved, actual] of [
      ['cheaper', 2, 0],
      ['dearer', 0, 2],
    ] as const) {
      const lapsed = await reserve(store, [charge(key, { quota, cost: reserved })], 1_000)
      await clock.advance(1_000)
      await reserve(store, [charge(key, { quota })])
      const left = await remaining(store, charge(key, { quota }))
      clock.step(clock.now() - 1)
      await store.settle(lapsed, [actual])
      clock.step(clock.now() + 1)
      strictEqual(await remaining(store, charge(key, { quota })), left)
    }
  },

  'a budget forgets its oldest reservation when there are too many': async ({ store, key }) => {
    const one = charge(key, { burst: 1_000 })
    const receipts = []
    for (let count = 0; count <= MOST_RESERVATIONS; count += 1) receipts.push(await reserve(store, [one]))
    for (const receipt of receipts) await store.settle(receipt, [0])
    strictEqual(await remaining(store, one), 999)
  },

  'reservations that replace each other push out no other, and all that they reserved stays charged': async ({
    store,
    key,
  }) => {
    const one = charge(key, { burst: 1_000 })
    const kept = await reserve(store, [{ ...one, cost: 100 }])
    let last = await reserve(store, [one])
    for (let count = 0; count < MOST_RESERVATIONS; count += 1) {
      const decision = await store.consume([one], { reserve: 60_000, replaces: last })
      ok(decision.outcome === 'admitted' && decision.receipt !== undefined)
      last = decision.receipt
    }
    strictEqual(await remaining(store, one), 1_000 - 100 - 1 - MOST_RESERVATIONS)
    await store.settle(kept, [0])
    await store.settle(last, [0])
    strictEqual(await remaining(store, one), 1_000 - MOST_RESERVATIONS)
  },

  'what was reserved under another rate stays charged': async ({ store, key }) => {
    const receipt = await reserve(store, [charge(key, { cost: 3 })])
    const changed = charge(key, { interval: 2 * SECOND })
    await look(store, changed)
    await store.settle(receipt, [0])
    strictEqual(await remaining(store, changed), 2)
  },

  'a window counts what a settled request cost, where it was charged': async ({ store, clock, key }) => {
    const receipt = await reserve(store, [windowCharge(key, { cost: 6 })])
    await clock.advance(5_000)
    await store.consume([windowCharge(key, { cost: 2 })])
    await store.settle(receipt, [1])
    await store.settle(receipt, [0])
    strictEqual(await remaining(store, windowCharge(key)), 7)
    await clock.advance(7_000)
    strictEqual(await remaining(store, windowCharge(key)), 8)
  },

  'a blocked key is denied until its time, whatever it asks; others are not': async ({
    store,
    clock,
    key,
  }) => {
    await store.block(key, 3_000)
    const denied = await store.consume([charge(key), charge(key, { quota: 'other', cost: 0 })])
    const state = { remaining: 0, renewal: 3 * SECOND, wait: 3 * SECOND }
    deepStrictEqual(denied, {
      outcome: 'denied',
      wait: 3 * SECOND,
      quotas: [state, state],
      isBlocked: true,
    })
    strictEqual((await store.consume([charge(`${key} other`)])).outcome, 'admitted')
    await clock.advance(2_999)
    strictEqual((await look(store, charge(key))).outcome, 'denied')
    await clock.advance(1)
    strictEqual(await drain(store, charge(key)), 5)
    ok(!('isBlocked' in (await store.consume([charge(key)]))))
  },

  'a block of one of several keys is told, whichever denies first': async ({ store, key }) => {
    const spent = charge(key)
    const blocked = charge(`${key} blocked`)
    await drain(store, spent)
    await store.block(blocked.key, 3_000)
    for (const charges of [
      [spent, blocked],
      [blocked, spent],
    ]) {
      const denied = await store.consume(charges)
      ok(denied.outcome === 'denied' && denied.isBlocked === true)
      strictEqual(denied.wait, 3 * SECOND)
    }
  },

  'the last word about a block counts': async ({ store, clock, key }) => {
    await store.block(key, 60_000)
    await store.block(key, 1_000)
    await clock.advance(1_000)
    strictEqual((await look(store, charge(key))).outcome, 'admitted')
    await store.block(key, 60_000)
    await store.block(key, 0)
    strictEqual((await look(store, charge(key))).outcome, 'admitted')
  },
}
