import * as fc from 'fast-check'
import type { RateLimitCharge } from '../../src/rate-limit/store.js'
import type { Step } from './rate-limit-steps.js'

export const SECOND = 1_000_000
export const place = { quota: fc.constantFrom('a', 'b', 'c 1'), cost: fc.nat(5) }
export const burst = fc.integer({ min: 1, max: 12 })
export const keys = fc.constantFrom('k', 'l')

const gcra = fc.record({
  ...place,
  key: keys,
  interval: fc.constantFrom(1, 333, 70_000, SECOND, 86_400 * SECOND),
  burst,
})
const windows = fc.record({
  ...place,
  key: keys,
  algorithm: fc.constantFrom('fixed-window' as const, 'sliding-window' as const),
  window: fc.constantFrom(1, 7_001, SECOND, 3_600 * SECOND),
  burst,
})
/** As slow as a quota may be, with the largest burst that is drawn here. */
const slowest = fc.oneof(
  gcra.map((one) => ({ ...one, interval: 83_333_333_333_333 })),
  windows.map((one) => ({ ...one, window: 999_999_999_999_999 })),
)
const charges = fc.uniqueArray(fc.oneof(gcra, windows), {
  selector: ({ quota, key }) => quota + key,
  minLength: 1,
  maxLength: 4,
})
const oneKey = charges.map((all) => all.filter(({ key }) => key === all[0]?.key))
const slots = fc.uniqueArray(
  fc.record({ quota: fc.constantFrom('x', 'y'), key: keys, limit: fc.integer({ min: 1, max: 4 }) }),
  { selector: ({ quota, key }) => quota + key, minLength: 1, maxLength: 3 },
)
/** Now and then to the microsecond, and to the moment at which reservations lapse or are forgotten. */
const span = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat(40) },
  { weight: 3, arbitrary: fc.nat(5_000) },
  { weight: 1, arbitrary: fc.constantFrom(0.001, 999.999, 1_000, 60_000, 600_000, 601_000) },
)

export const wait = fc.record({ do: fc.constant('wait' as const), milliseconds: span })
export const stepBack = fc.record({
  do: fc.constant('wait' as const),
  milliseconds: fc.integer({ min: -4_000, max: 0 }),
})
export const settle = fc.record({
  do: fc.constant('settle' as const),
  receipt: fc.nat(4),
  costs: fc.array(fc.nat(6), { minLength: 4, maxLength: 4 }),
})
export const block = fc.record({
  do: fc.constant('block' as const),
  key: keys,
  duration: fc.constantFrom(0, 50, 3_000),
})
const lease = fc.constantFrom(100, 5_000)
const renew = fc.record({ do: fc.constant('renew' as const), hold: fc.nat(3), lease })
const release = fc.record({ do: fc.constant('release' as const), hold: fc.nat(3) })

/** One budget only: when the clock steps back, others may or may not have made room as full ones. */
const oneBudget = fc.oneof(
  gcra.map(({ interval, burst: most, cost }) => ({ interval, burst: most, cost })),
  windows.map(({ burst: most, cost }) => ({
    algorithm: 'sliding-window' as const,
    window: SECOND,
    burst: most,
    cost,
  })),
  windows.map(({ burst: most, cost }) => ({
    algorithm: 'fixed-window' as const,
    window: SECOND,
    burst: most,
    cost,
  })),
)

export const consumeOf = (some: fc.Arbitrary<readonly RateLimitCharge[]>) =>
  fc.record({
    do: fc.constant('consume' as const),
    charges: some,
    reserve: fc.constantFrom(0, 1_000, 60_000),
    replaces: fc.constantFrom(undefined, undefined, 0, 1),
  })

/** @param init.atomic each step stays within one key. */
export interface ScheduleInit {
  readonly atomic: boolean
  readonly maxLength: number
}

/** Schedules of everything a store can do. */
export function schedules({ atomic, maxLength }: ScheduleInit): fc.Arbitrary<readonly Step[]> {
  const acquire = fc.record({
    do: fc.constant('acquire' as const),
    requests: atomic ? slots.map((all) => all.filter(({ key }) => key === all[0]?.key)) : slots,
    lease,
  })
  const step = fc.oneof(
    { weight: 4, arbitrary: wait },
    { weight: 8, arbitrary: consumeOf(atomic ? oneKey : charges) },
    { weight: 5, arbitrary: settle },
    { weight: 1, arbitrary: block },
    { weight: 3, arbitrary: acquire },
    { weight: 1, arbitrary: renew },
    { weight: 2, arbitrary: release },
  )
  return fc.array(step, { maxLength, size: 'max' })
}

/** Schedules of one budget whose clock steps back now and then. */
export function schedulesWithStepsBack({
  maxLength,
  algorithms,
}: Pick<ScheduleInit, 'maxLength'> & { readonly algorithms: readonly string[] }): fc.Arbitrary<
  readonly Step[]
> {
  return fc.constantFrom(...algorithms).chain((algorithm) => {
    const one = oneBudget
      .filter((rate) => ('algorithm' in rate ? rate.algorithm : 'gcra') === algorithm)
      .map((rate) => [{ ...rate, quota: 'a', key: 'k' }])
    const step = fc.oneof(
      { weight: 4, arbitrary: wait },
      { weight: 8, arbitrary: consumeOf(one) },
      { weight: 5, arbitrary: settle },
      { weight: 1, arbitrary: block.map((blocked) => ({ ...blocked, key: 'k' })) },
      { weight: 2, arbitrary: stepBack },
    )
    return fc.array(step, { maxLength, size: 'max' })
  })
}

const reach = (months: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant('reach' as const),
    months,
    milliseconds: fc.oneof(
      fc.constantFrom(-1, -0.001, 0, 0.001),
      fc.integer({ min: -90_000_000, max: 90_000_000 }),
    ),
  })

/** Schedules of months and weeks, and of what stands beside them: around their boundaries, from any year on. */
export function schedulesOfMonths({ maxLength, atomic }: ScheduleInit): fc.Arbitrary<readonly Step[]> {
  const month = fc.record({
    ...place,
    key: keys,
    algorithm: fc.constant('fixed-window' as const),
    window: fc.constantFrom('month' as const, 'month' as const, 'week' as const),
    burst,
  })
  const all = fc
    .uniqueArray(fc.oneof({ weight: 3, arbitrary: month }, gcra, windows, slowest), {
      selector: ({ quota, key }) => quota + key,
      minLength: 1,
      maxLength: 3,
    })
    .map((some) => (atomic ? some.filter(({ key }) => key === some[0]?.key) : some))
  const step = fc.oneof(
    { weight: 3, arbitrary: wait },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat(900_000_000) }),
    },
    { weight: 3, arbitrary: reach(fc.constant(1)) },
    { weight: 12, arbitrary: consumeOf(all) },
    { weight: 5, arbitrary: settle },
    { weight: 1, arbitrary: block },
  )
  // From 2026 on: into leap years, and over 2100, which is none.
  const start = reach(fc.oneof(fc.nat(60), fc.nat(1_800), fc.integer({ min: 880, max: 900 })))
  return fc.tuple(start, fc.array(step, { maxLength, size: 'max' })).map(([first, rest]) => [first, ...rest])
}

/**
 * Schedules of a service: a few plans over the quotas of one caller that come again and again, nearly all of them of
 * GCRA and with one cost; now and then something else happens to the key.
 */
export function schedulesOfPlans({
  maxLength,
}: Pick<ScheduleInit, 'maxLength'>): fc.Arbitrary<readonly Step[]> {
  const names = ['a', 'b', 'c 1', 'd'] as const
  const rate = fc.record({ interval: fc.constantFrom(333, 70_000, SECOND), burst })
  return fc
    .tuple(fc.tuple(rate, rate, rate, rate), fc.tuple(rate, rate, rate, rate))
    .chain(([usual, changed]) => {
      const planOf = (rates: typeof usual, cost: fc.Arbitrary<number>) =>
        fc
          .tuple(fc.subarray([0, 1, 2, 3] as const, { minLength: 1 }), cost)
          .map(([some, units]) =>
            some.map((nth) => ({ ...rates[nth], quota: names[nth], key: 'k', cost: units })),
          )
      const one = fc.constant(1)
      return fc.tuple(planOf(usual, one), planOf(usual, one), planOf(usual, one)).chain((plans) => {
        const usually = fc.record({
          do: fc.constant('consume' as const),
          charges: fc.constantFrom(...plans),
          reserve: fc.constant(0),
          replaces: fc.constant(undefined),
        })
        const step = fc.oneof(
          {
            weight: 10,
            arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat(900) }),
          },
          { weight: 40, arbitrary: usually },
          { weight: 3, arbitrary: consumeOf(planOf(usual, fc.nat(3))) },
          { weight: 1, arbitrary: consumeOf(planOf(changed, fc.nat(3))) },
          {
            weight: 1,
            arbitrary: consumeOf(oneKey.map((all) => all.map((other) => ({ ...other, key: 'k' })))),
          },
          { weight: 4, arbitrary: settle },
          { weight: 1, arbitrary: block.map((blocked) => ({ ...blocked, key: 'k' })) },
        )
        return fc.array(step, { maxLength, size: 'max' })
      })
    })
}
