import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { type Cases, charge, drain, look, remaining, SECOND, windowCharge } from './rate-limit-subject.js'

/** Budgets that are counted in windows. The clock of a case stands at the beginning of a window of ten seconds. */
export const WINDOW_CASES: Cases = {
  'a fixed window begins anew with multiples of its length': async ({ store, clock, key }) => {
    const fixed = windowCharge(key, { algorithm: 'fixed-window' })
    await clock.advance(9_000)
    strictEqual(await drain(store, fixed), 10)
    deepStrictEqual(await store.consume([fixed]), {
      outcome: 'denied',
      wait: SECOND,
      quotas: [{ remaining: 0, renewal: SECOND, wait: SECOND }],
    })
    await clock.advance(1_000)
    strictEqual(await drain(store, fixed), 10)
  },

  'a sliding window forgets nothing before a whole window has passed': async ({ store, clock, key }) => {
    await clock.advance(9_500)
    strictEqual(await drain(store, windowCharge(key)), 10)
    await clock.advance(10_499)
    const denied = await store.consume([windowCharge(key)])
    ok(denied.outcome === 'denied')
    strictEqual(denied.wait, 1_000)
    await clock.advance(1)
    strictEqual(await drain(store, windowCharge(key)), 10)
  },

  'a window says when enough of it has passed for the cost': async ({ store, clock, key }) => {
    await store.consume([windowCharge(key, { cost: 4 })])
    await clock.advance(3_000)
    await store.consume([windowCharge(key, { cost: 5 })])
    const [two, nine] = [windowCharge(key, { cost: 2 }), windowCharge(key, { cost: 9 })]
    deepStrictEqual((await store.consume([two])).quotas, [
      { remaining: 1, renewal: 8 * SECOND, wait: 8 * SECOND },
    ])
    const start = clock.now()
    deepStrictEqual((await store.consume([nine])).quotas, [
      { remaining: 1, renewal: 8 * SECOND, wait: 11 * SECOND },
    ])
    clock.step(start + 11_000 - 0.001)
    strictEqual((await store.consume([nine])).outcome, 'denied')
    clock.step(start + 11_000)
    strictEqual((await store.consume([nine])).outcome, 'admitted')
  },

  'windows and other budgets are taken together or not at all': async ({ store, key }) => {
    const charges = [windowCharge(key, { cost: 3 }), charge(key, { cost: 3 })]
    strictEqual((await store.consume(charges)).outcome, 'admitted')
    strictEqual((await store.consume(charges)).outcome, 'denied')
    strictEqual(await remaining(store, windowCharge(key)), 7)
  },

  'a cost above the window is impossible, and a look is never denied': async ({ store, key }) => {
    strictEqual((await store.consume([windowCharge(key, { cost: 11 })])).outcome, 'impossible')
    strictEqual(await drain(store, windowCharge(key)), 10)
    strictEqual((await look(store, windowCharge(key, { burst: 3 }))).outcome, 'admitted')
  },

  'another algorithm or window starts a budget beside the old one': async ({ store, key }) => {
    strictEqual(await drain(store, windowCharge(key)), 10)
    strictEqual(await drain(store, windowCharge(key, { window: 20 * SECOND })), 10)
    strictEqual(await drain(store, windowCharge(key, { algorithm: 'fixed-window' })), 10)
    strictEqual(await drain(store, charge(key, { quota: 'window' })), 5)
    strictEqual(await drain(store, windowCharge(key)), 0)
  },

  'a window whose clock steps back counts for one more window at most': async ({ store, clock, key }) => {
    strictEqual(await drain(store, windowCharge(key)), 10)
    clock.step(clock.now() - 86_400_000)
    const denied = await store.consume([windowCharge(key)])
    ok(denied.outcome === 'denied')
    strictEqual(denied.wait, 11 * SECOND)
    await clock.advance(11_000)
    strictEqual(await drain(store, windowCharge(key)), 10)
  },
}
