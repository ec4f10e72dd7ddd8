import * as fc from 'fast-check'
import {
  block,
  burst,
  consumeOf,
  keys,
  place,
  type ScheduleInit,
  SECOND,
  settle,
  stepBack,
  wait,
} from './rate-limit-schedules.js'
import type { Step } from './rate-limit-steps.js'

/** Schedules of one key, of at most so many steps. */
type OneKeyInit = Pick<ScheduleInit, 'maxLength'>

/** More reservations than a budget keeps, settled and replaced long after they were made, or when they were forgotten. */
export function schedulesOfReservations({ maxLength }: OneKeyInit): fc.Arbitrary<readonly Step[]> {
  const common = { key: fc.constant('k'), burst: fc.constantFrom(90, 400) }
  const rate = fc.oneof(
    fc.record({ ...common, interval: fc.constantFrom(70_000, SECOND) }),
    fc.record({
      ...common,
      algorithm: fc.constantFrom('fixed-window' as const, 'sliding-window' as const),
      window: fc.constantFrom(SECOND, 3_600 * SECOND),
    }),
  )
  const far = settle.chain((one) => fc.nat(90).map((receipt) => ({ ...one, receipt })))
  return fc.tuple(rate, rate).chain(([one, other]) => {
    const charges = fc.tuple(fc.nat(2), fc.nat(2), fc.boolean()).map(([cost, another, isAlone]) => {
      const first = { ...one, quota: 'a', cost }
      return isAlone ? [first] : [first, { ...other, quota: 'b', cost: another }]
    })
    const consume = fc.record({
      do: fc.constant('consume' as const),
      charges,
      reserve: fc.constantFrom(60_000, 60_000, 60_000, 1_000),
      replaces: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, fc.nat(80)),
    })
    const step = fc.oneof(
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat(300) }) },
      { weight: 20, arbitrary: consume },
      { weight: 4, arbitrary: far },
    )
    return fc.array(step, { minLength: 90, maxLength, size: 'max' })
  })
}

/** Many quotas of one key: about as many as the plain form of a value in Redis holds, and more. */
export function schedulesOfManyQuotas({ maxLength }: OneKeyInit): fc.Arbitrary<readonly Step[]> {
  const numbers = Array.from({ length: 36 }, (_, nth) => nth)
  const charges = fc
    .tuple(fc.subarray(numbers, { minLength: 1 }), fc.nat(2), fc.boolean())
    .map(([some, cost, isSlow]) =>
      some.map((nth) => {
        const interval = (isSlow ? SECOND : 70_000) + nth
        return { quota: `quota ${nth}`, key: 'k', interval, burst: 3 + (nth % 4), cost }
      }),
    )
  const consume = fc.record({
    do: fc.constant('consume' as const),
    charges,
    reserve: fc.constantFrom(0, 0, 0, 0, 1_000),
    replaces: fc.constant(undefined),
  })
  const settleAll = settle.map((one) => ({ ...one, costs: numbers.map((nth) => nth % 3) }))
  const step = fc.oneof(
    { weight: 3, arbitrary: wait },
    { weight: 8, arbitrary: consume },
    { weight: 1, arbitrary: settleAll },
  )
  return fc.array(step, { maxLength, size: 'max' })
}

/**
 * Several budgets whose clock steps back. They are slow, nothing is settled to no cost at all, and a request takes from
 * all of them; one key is blocked: a store may forget, or bring back to its burst, what nobody asks for at the time.
 */
export function schedulesOfSlowBudgets({ maxLength, atomic }: ScheduleInit): fc.Arbitrary<readonly Step[]> {
  const common = { quota: place.quota, key: atomic ? fc.constant('k') : keys, burst }
  const rate = fc.oneof(
    fc.record({ ...common, interval: fc.constantFrom(3_600 * SECOND, 86_400 * SECOND) }),
    // Stretches of a hundred seconds: more of them begin in a schedule, and none is forgotten.
    fc.record({
      ...common,
      algorithm: fc.constant('sliding-window' as const),
      window: fc.constant(1_000 * SECOND),
    }),
  )
  const rates = fc.uniqueArray(rate, {
    selector: ({ quota, key }) => quota + key,
    minLength: 2,
    maxLength: 4,
  })
  return fc.tuple(rates, burst).chain(([all, other]) => {
    const plan = fc
      .tuple(fc.array(place.cost, { minLength: 4, maxLength: 4 }), fc.nat(9))
      .map(([costs, change]) =>
        all.map((one, nth) => {
          return { ...one, burst: change === 0 ? other : one.burst, cost: costs[nth] ?? 0 }
        }),
      )
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat(5_000) }) },
      { weight: 8, arbitrary: consumeOf(plan) },
      { weight: 5, arbitrary: settle.map((one) => ({ ...one, costs: one.costs.map((cost) => cost + 1) })) },
      { weight: 1, arbitrary: block.map((blocked) => ({ ...blocked, key: 'k' })) },
      { weight: 2, arbitrary: stepBack },
    )
    return fc.array(step, { maxLength, size: 'max' })
  })
}
