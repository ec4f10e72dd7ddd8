import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import {
  calendarCharge,
  type Cases,
  charge,
  drain,
  look,
  remaining,
  reserve,
  SECOND,
  windowCharge,
} from './rate-limit-subject.js'

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

  'a clock that was ahead while somebody looked frees nobody': async ({ store, clock, key }) => {
    const spent = charge(key, { burst: 1, interval: 365 * 86_400 * SECOND })
    await store.consume([spent])
    for (const window of [windowCharge(key, { quota: 'sliding' }), calendarCharge(key)]) {
      strictEqual(await drain(store, window), 10)
      const start = clock.now()
      clock.step(start + 32 * 86_400_000)
      strictEqual(await remaining(store, window), 10)
      strictEqual((await store.consume([spent, window])).outcome, 'denied')
      clock.step(start)
      strictEqual(await remaining(store, window), 0)
    }
  },

  'a month is a month of UTC, to its last microsecond': async ({ store, clock, key }) => {
    for (const [begin, end] of [
      [Date.UTC(2026, 0, 31), Date.UTC(2026, 1)],
      [Date.UTC(2026, 1, 27), Date.UTC(2026, 2)],
      [Date.UTC(2026, 11, 31), Date.UTC(2027, 0)],
      [Date.UTC(2028, 1, 28), Date.UTC(2028, 2)],
      [Date.UTC(2100, 1, 28), Date.UTC(2100, 2)],
    ] as const) {
      const month = calendarCharge(key, { quota: `until ${end}` })
      clock.step(begin)
      const wait = (end - begin) * 1_000
      strictEqual(await drain(store, month), 10)
      deepStrictEqual(await store.consume([month]), {
        outcome: 'denied',
        wait,
        quotas: [{ remaining: 0, renewal: wait, wait }],
      })
      clock.step(end - 0.001)
      const denied = await store.consume([month])
      ok(denied.outcome === 'denied')
      strictEqual(denied.wait, 1)
      clock.step(end)
      strictEqual(await drain(store, month), 10)
      clock.step(end + 1)
      strictEqual((await store.consume([month])).outcome, 'denied')
    }
  },

  'a week begins on Monday, and is not seven days of another beginning': async ({ store, clock, key }) => {
    const week = calendarCharge(key, { window: 'week' })
    const days = windowCharge(key, { algorithm: 'fixed-window', window: 7 * 86_400 * SECOND })
    clock.step(Date.UTC(2026, 0, 4, 23))
    strictEqual(await drain(store, week), 10)
    strictEqual(await drain(store, days), 10)
    clock.step(Date.UTC(2026, 0, 5))
    strictEqual(await drain(store, week), 10)
    const { quotas } = await store.consume([week, days])
    deepStrictEqual(
      quotas.map(({ wait }) => wait),
      [7, 3].map((left) => left * 86_400 * SECOND),
    )
  },

  'a month with another limit keeps what was taken': async ({ store, key }) => {
    await store.consume([calendarCharge(key, { cost: 7 })])
    strictEqual(await remaining(store, calendarCharge(key, { burst: 20 })), 13)
    strictEqual(await remaining(store, calendarCharge(key, { burst: 5 })), 0)
    strictEqual(await remaining(store, calendarCharge(key)), 3)
  },

  'what a request of last month cost less is nothing to this one': async ({ store, clock, key }) => {
    clock.step(Date.UTC(2028, 1, 29, 23, 59, 59))
    const month = calendarCharge(key)
    const kept = await reserve(store, [{ ...month, cost: 4 }])
    await store.settle(kept, [1])
    strictEqual(await remaining(store, month), 9)
    const late = await reserve(store, [{ ...month, cost: 4 }])
    const dear = await reserve(store, [{ ...month, cost: 0 }])
    await clock.advance(1_000)
    strictEqual(await drain(store, { ...month, cost: 2 }), 5)
    await store.settle(late, [0])
    strictEqual(await remaining(store, month), 0)
    await store.settle(dear, [3])
    strictEqual(await remaining(store, month), 0)
  },

  'a month whose clock steps back counts until the end of the month it steps to': async (subject) => {
    const { store, clock, key } = subject
    clock.step(Date.UTC(2028, 2, 1))
    strictEqual(await drain(store, calendarCharge(key)), 10)
    clock.step(Date.UTC(2028, 1, 29, 23, 59))
    const denied = await store.consume([calendarCharge(key)])
    ok(denied.outcome === 'denied')
    strictEqual(denied.wait, 60 * SECOND)
    clock.step(Date.UTC(2028, 2, 1))
    strictEqual(await drain(store, calendarCharge(key)), 10)
  },

  'a block of a month that ends first goes on': async ({ store, clock, key }) => {
    clock.step(Date.UTC(2026, 10, 30, 23, 59, 59))
    const charges = [calendarCharge(key), charge(key)]
    await store.consume(charges)
    await store.block(key, 5_000)
    await clock.advance(1_000)
    const denied = await store.consume(charges)
    ok(denied.outcome === 'denied')
    strictEqual(denied.wait, 4 * SECOND)
    await clock.advance(4_000)
    strictEqual(await remaining(store, calendarCharge(key)), 10)
  },
}
