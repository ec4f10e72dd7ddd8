import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { randomId } from '../id.js'
import type { RateLimitStore } from '../rate-limit/store.js'
import { ManualClock } from './manual-clock.js'
import { modelRateLimitStore } from './rate-limit-model.js'
import { SETTLING_CASES } from './rate-limit-settling-cases.js'
import { type Cases, charge, drain, look, SECOND } from './rate-limit-subject.js'
import { WINDOW_CASES } from './rate-limit-window-cases.js'
import { SLOT_CASES } from './slot-cases.js'

/** One behaviour that every store must have. */
export interface RateLimitStoreCase {
  readonly name: string
  run(): Promise<void>
}

/** Makes the store under test, empty or with a key space of its own, with its time taken from `clock`. */
export type RateLimitStoreFactory = (clock: ManualClock) => RateLimitStore | Promise<RateLimitStore>

/** What every rate limit store must do, as cases for any test runner. Each case makes a store and keys of its own. */
export function rateLimitStoreSuite(create: RateLimitStoreFactory): readonly RateLimitStoreCase[] {
  return Object.entries({ ...BUDGET_CASES, ...SETTLING_CASES, ...WINDOW_CASES, ...SLOT_CASES }).map(
    ([name, check]) => ({
      name,
      async run() {
        const clock = new ManualClock()
        await check({ store: await create(clock), clock, key: `budget-${randomId()}` })
      },
    }),
  )
}

const BUDGET_CASES: Cases = {
  'a new budget gives its burst at once and no more': async ({ store, key }) => {
    for (let left = 4; left >= 0; left -= 1) {
      const { outcome, quotas } = await store.consume([charge(key)])
      strictEqual(outcome, 'admitted')
      deepStrictEqual(quotas, [{ remaining: left, renewal: SECOND, wait: 0 }])
    }
    deepStrictEqual(await store.consume([charge(key)]), {
      outcome: 'denied',
      wait: SECOND,
      quotas: [{ remaining: 0, renewal: SECOND, wait: SECOND }],
    })
  },

  'time gives back one unit per interval, up to the burst': async ({ store, clock, key }) => {
    await drain(store, charge(key))
    await clock.advance(2_500)
    strictEqual(await drain(store, charge(key)), 2)
    await clock.advance(3_600_000)
    strictEqual(await drain(store, charge(key)), 5)
  },

  'a wait is sufficient, and a microsecond less is not': async ({ store, clock, key }) => {
    await store.consume([charge(key, { cost: 4 })])
    await clock.advance(250)
    const denied = await store.consume([charge(key, { cost: 3 })])
    ok(denied.outcome === 'denied')
    strictEqual(denied.wait, 1_750_000)
    const start = clock.now()
    clock.step(start + (denied.wait - 1) / 1_000)
    const early = await store.consume([charge(key, { cost: 3 })])
    ok(early.outcome === 'denied')
    strictEqual(early.wait, 1)
    clock.step(start + denied.wait / 1_000)
    strictEqual((await store.consume([charge(key, { cost: 3 })])).outcome, 'admitted')
  },

  'a denied request takes nothing': async ({ store, key }) => {
    await store.consume([charge(key, { cost: 3 })])
    const before = await look(store, charge(key))
    for (let times = 0; times < 10; times += 1) {
      strictEqual((await store.consume([charge(key, { cost: 3 })])).outcome, 'denied')
    }
    deepStrictEqual(await look(store, charge(key)), before)
    strictEqual((await store.consume([charge(key, { cost: 2 })])).outcome, 'admitted')
  },

  'a request takes from all its quotas or from none': async ({ store, key }) => {
    const charges = [
      charge(key, { quota: 'wide', burst: 9 }),
      charge(key, { quota: 'narrow', burst: 2 }),
      charge(`${key} shared`, { quota: 'wide', burst: 9 }),
    ]
    for (let times = 0; times < 5; times += 1) await store.consume(charges)
    const remaining = await Promise.all(charges.map((one) => look(store, one)))
    deepStrictEqual(
      remaining.map((decision) => decision.quotas[0]?.remaining),
      [7, 0, 7],
    )
    const { quotas } = await store.consume(charges)
    deepStrictEqual(
      quotas.map(({ wait }) => wait),
      [0, SECOND, 0],
    )
  },

  'all of fifty requests at once get exactly the budget': async ({ store, key }) => {
    const charges = [charge(key, { burst: 20 }), charge(key, { quota: 'other', burst: 17, cost: 2 })]
    const decisions = await Promise.all(Array.from({ length: 50 }, async () => store.consume(charges)))
    strictEqual(decisions.filter(({ outcome }) => outcome === 'admitted').length, 8)
    strictEqual((await look(store, charge(key, { burst: 20 }))).quotas[0]?.remaining, 12)
  },

  'the order of the quotas does not matter': async ({ store, key }) => {
    const charges = [
      charge(key, { quota: 'a', burst: 3 }),
      charge(key, { quota: 'b', interval: 7, burst: 2 }),
    ]
    const mirrored = charges.map((one) => ({ ...one, key: `${key} mirrored` })).toReversed()
    for (let times = 0; times < 4; times += 1) {
      const [one, other] = [await store.consume(charges), await store.consume(mirrored)]
      deepStrictEqual({ ...other, quotas: other.quotas.toReversed() }, one)
    }
  },

  'a cost of 0 looks and takes nothing, also from an empty budget': async ({ store, key }) => {
    strictEqual((await look(store, charge(key))).quotas[0]?.remaining, 5)
    await drain(store, charge(key))
    const looked = await look(store, charge(key))
    deepStrictEqual(looked, {
      outcome: 'admitted',
      quotas: [{ remaining: 0, renewal: SECOND, wait: 0 }],
    })
  },

  'a cost above the burst is impossible and takes nothing': async ({ store, key }) => {
    const small = charge(key, { quota: 'small', cost: 6 })
    const large = charge(key, { quota: 'large', cost: 6, burst: 9 })
    deepStrictEqual(await store.consume([large, small]), {
      outcome: 'impossible',
      quotas: [
        { remaining: 9, renewal: 0, wait: 0 },
        { remaining: 5, renewal: 0, wait: Number.POSITIVE_INFINITY },
      ],
    })
    await drain(store, { ...large, cost: 1 })
    strictEqual((await store.consume([large, small])).outcome, 'impossible')
    strictEqual(await drain(store, { ...small, cost: 1 }), 5)
  },

  'budgets of other keys and other quotas are other budgets': async ({ store, key }) => {
    await drain(store, charge(key))
    strictEqual(await drain(store, charge(`${key}x`)), 5)
    strictEqual(await drain(store, charge(key, { quota: 'other' })), 5)
    strictEqual(await drain(store, charge(`${key} a`, { quota: 'b' })), 5)
    strictEqual(await drain(store, charge(key, { quota: 'a b' })), 5)
  },

  'a raised quota frees a client within its own burst, though every attempt is denied': async (subject) => {
    const { store, clock, key } = subject
    const day = 86_400 * SECOND
    await drain(store, charge(key, { interval: day / 10, burst: 10 }))
    const raised = charge(key, { interval: 60_000, burst: 100, cost: 100 })
    for (let seconds = 0; seconds < 6; seconds += 1) {
      strictEqual((await store.consume([raised])).outcome, seconds === 0 ? 'denied' : 'admitted')
      await clock.advance(6_000)
    }
  },

  'a changed quota keeps what was taken, as units': async ({ store, key }) => {
    await store.consume([charge(key, { cost: 3 })])
    strictEqual((await look(store, charge(key, { interval: 7 }))).quotas[0]?.remaining, 2)
    strictEqual((await look(store, charge(key, { interval: 60 * SECOND }))).quotas[0]?.remaining, 2)
    strictEqual((await look(store, charge(key, { burst: 2 }))).quotas[0]?.remaining, 0)
  },

  'a clock that steps back locks nobody for longer than the burst takes': async ({ store, clock, key }) => {
    await drain(store, charge(key))
    clock.step(clock.now() - 86_400_000)
    const denied = await store.consume([charge(key)])
    ok(denied.outcome === 'denied')
    strictEqual(denied.wait, SECOND)
    await clock.advance(1_000)
    strictEqual((await store.consume([charge(key)])).outcome, 'admitted')
  },

  'a decision does not change when others follow': async ({ store, key }) => {
    const first = await store.consume([charge(key)])
    const copy = JSON.stringify(first)
    await drain(store, charge(key))
    strictEqual(JSON.stringify(first), copy)
  },

  'on a long schedule every decision is what the model decides': async ({ store, clock, key }) => {
    const model = modelRateLimitStore(clock)
    const next = sequence(20_260_101)
    const quotas = ['a', 'b', 'c'].map((quota) => ({
      quota,
      interval: 1 + next(3_000_000),
      burst: 1 + next(20),
    }))
    for (let step = 0; step < 400; step += 1) {
      if (next(60) === 0)
        quotas[next(3)] = { quota: `abc`[next(3)] ?? 'a', interval: 1 + next(90_000), burst: 9 }
      const distinct = new Map(quotas.map((one) => [one.quota, one]))
      const charges = [...distinct.values()]
        .slice(next(3))
        .map((one) => ({ ...one, key: `${key}${next(2)}`, cost: next(7) }))
      deepStrictEqual(await store.consume(charges), await model.consume(charges))
      await clock.advance(next(1_500))
    }
  },
}

/** Numbers that look random and are the same in every run. */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
