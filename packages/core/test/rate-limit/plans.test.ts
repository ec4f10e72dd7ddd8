import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { RateLimitCharge, RateLimitDecision, RateLimitStore } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const SECOND = 1_000_000

const place = { quota: fc.constantFrom('a', 'b', 'c'), key: fc.constantFrom('k', 'l'), cost: fc.nat(5) }
const burst = fc.integer({ min: 1, max: 12 })
const charge: fc.Arbitrary<RateLimitCharge> = fc.oneof(
  fc.record({ ...place, interval: fc.constant(70_000), burst: fc.constant(9) }),
  fc.record({ ...place, interval: fc.constant(SECOND), burst }),
  fc.record({
    ...place,
    algorithm: fc.constantFrom('fixed-window' as const, 'sliding-window' as const),
    window: fc.constant(SECOND),
    burst,
  }),
)
const nameOf = ({ quota, key }: RateLimitCharge): string => `${quota} ${key}`
const plan = fc.uniqueArray(charge, { selector: nameOf, minLength: 1, maxLength: 5 })
const pause = fc.oneof(fc.constant(0), fc.nat(800))
const schedule = fc.array(fc.tuple(plan, pause), { maxLength: 60, size: 'max' })

async function look(store: RateLimitStore, one: RateLimitCharge): Promise<unknown> {
  return (await store.consume([{ ...one, cost: 0 }])).quotas[0]
}

/** How each budget stands, by its name. */
function states(charges: readonly RateLimitCharge[], { quotas }: RateLimitDecision): Map<string, unknown> {
  return new Map(charges.map((one, index) => [nameOf(one), quotas[index]]))
}

test('all or nothing: a denied plan changes no budget, an admitted one takes exactly its cost from each', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      const clock = new ManualClock()
      const together = memoryRateLimitStore({ clock })
      /** A store for each budget, which is charged by itself and only when the plan was admitted. */
      const alone = new Map<string, RateLimitStore>()
      for (const [charges, milliseconds] of steps) {
        clock.step(clock.now() + milliseconds)
        const { outcome } = await together.consume(charges)
        for (const one of charges) {
          const own = alone.get(nameOf(one)) ?? memoryRateLimitStore({ clock })
          alone.set(nameOf(one), own)
          if (outcome === 'admitted') expect((await own.consume([one])).outcome).toBe('admitted')
          expect(await look(together, one)).toEqual(await look(own, one))
        }
      }
    }),
    { numRuns: 100 },
  )
})

test('order: the order of the quotas in a plan does not matter', async () => {
  const shuffled = plan.chain((charges) =>
    fc.tuple(fc.constant(charges), fc.shuffledSubarray(charges, { minLength: charges.length })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(shuffled, pause), { maxLength: 60, size: 'max' }), async (steps) => {
      const clock = new ManualClock()
      const [one, other] = [memoryRateLimitStore({ clock }), memoryRateLimitStore({ clock })]
      for (const [[charges, reordered], milliseconds] of steps) {
        clock.step(clock.now() + milliseconds)
        const [first, second] = [await one.consume(charges), await other.consume(reordered)]
        expect(second.outcome).toBe(first.outcome)
        expect(states(reordered, second)).toEqual(states(charges, first))
      }
    }),
    { numRuns: 100 },
  )
})

const ofKey = (key: string) =>
  plan.map((charges) => charges.map((one) => ({ ...one, key, quota: nameOf(one) })))

test('order: plans of different keys commute', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(ofKey('k'), ofKey('l'), pause), { maxLength: 40, size: 'max' }),
      async (steps) => {
        const clock = new ManualClock()
        const [one, other] = [memoryRateLimitStore({ clock }), memoryRateLimitStore({ clock })]
        for (const [ks, ls, milliseconds] of steps) {
          clock.step(clock.now() + milliseconds)
          const [k, l] = [await one.consume(ks), await one.consume(ls)]
          expect([await other.consume(ls), await other.consume(ks)]).toEqual([l, k])
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('non-interference: who is denied by a quota of its own never lowers one that others share', async () => {
  const call = fc.record({
    user: fc.constantFrom('ann', 'bob', 'eve'),
    cost: fc.integer({ min: 1, max: 4 }),
    pause,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 150, size: 'max' }), async (calls) => {
      const clock = new ManualClock()
      const [all, without] = [memoryRateLimitStore({ clock }), memoryRateLimitStore({ clock })]
      const shared = { quota: 'shared', key: 'all', interval: 50_000, burst: 30 } as const
      for (const { user, cost, pause: milliseconds } of calls) {
        clock.step(clock.now() + milliseconds)
        const charges = [
          { quota: 'own', key: user, interval: SECOND, burst: 4, cost },
          { ...shared, cost },
        ]
        const { outcome } = await all.consume(charges)
        // The same, had those who were denied never come.
        if (outcome === 'admitted') expect((await without.consume(charges)).outcome).toBe('admitted')
        expect(await look(all, { ...shared, cost })).toEqual(await look(without, { ...shared, cost }))
      }
    }),
    { numRuns: 100 },
  )
})
