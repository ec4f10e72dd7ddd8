import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { decide } from '../../src/rate-limit/decision.js'
import { carryBacklog, chargedBacklog, type GcraCharge } from '../../src/rate-limit/gcra.js'
import type { GcraRate } from '../../src/rate-limit/rate.js'
import type { RateLimitCharge } from '../../src/rate-limit/store.js'

const rate = fc.record({
  interval: fc.integer({ min: 1, max: 5_000_000 }),
  burst: fc.integer({ min: 1, max: 50 }),
})

function charge(given: GcraRate, cost: number, quota = 'q'): RateLimitCharge & GcraCharge {
  return { ...given, quota, key: 'k', cost }
}

function only<T>([item]: readonly T[]): T {
  if (item === undefined) throw new Error('there is none')
  return item
}

/** A charge and a backlog its budget can have. */
const situation = rate.chain((given) =>
  fc.record({
    charge: fc.integer({ min: 0, max: given.burst + 3 }).map((cost) => charge(given, cost)),
    backlog: fc.integer({ min: 0, max: given.interval * given.burst }),
  }),
)

/** Runs a schedule of [pause, cost] through one budget; what was admitted, and when. */
function run(given: GcraRate, schedule: Iterable<readonly [number, number]>): { at: number; cost: number }[] {
  const admitted: { at: number; cost: number }[] = []
  let now = 0
  let full = 0
  for (const [pause, cost] of schedule) {
    now += pause
    const backlog = Math.max(0, full - now)
    const one = charge(given, cost)
    if (decide([one], [backlog]).outcome !== 'admitted') continue
    full = now + chargedBacklog(one, backlog)
    admitted.push({ at: now, cost })
  }
  return admitted
}

describe('decide', () => {
  test('envelope: between any two moments it admits at most the burst and what time gave back', () => {
    const step = fc.tuple(fc.oneof(fc.constant(0), fc.nat(10_000_000)), fc.nat(12))
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 80 }), (given, schedule) => {
        const admitted = run(given, schedule)
        for (const [index, { at: from }] of admitted.entries()) {
          let sum = 0
          for (const { at, cost } of admitted.slice(index)) {
            sum += cost
            expect(sum).toBeLessThanOrEqual(given.burst + (at - from) / given.interval)
          }
        }
      }),
    )
  })

  test('no starvation: who asks for ten times the limit is served the limit', () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 10 }), (given, times) => {
        const pause = Math.max(1, Math.floor(given.interval / times))
        const requests = Array.from({ length: 400 }, () => [pause, 1] as const)
        const elapsed = pause * requests.length
        // With a burst of 1 nothing is saved up between a unit's return and the next request.
        const perUnit = given.burst === 1 ? given.interval + pause : given.interval
        expect(run(given, requests).length).toBeGreaterThanOrEqual(
          Math.min(requests.length, Math.floor(elapsed / perUnit)),
        )
      }),
    )
  })

  test('wait: it is sufficient, and a microsecond less is not', () => {
    fc.assert(
      fc.property(situation, ({ charge: one, backlog }) => {
        const decision = decide([one], [backlog])
        if (decision.outcome !== 'denied') return
        expect(decision.wait).toBeGreaterThan(0)
        expect(decide([one], [backlog - decision.wait]).outcome).toBe('admitted')
        expect(decide([one], [backlog - decision.wait + 1])).toMatchObject({ outcome: 'denied', wait: 1 })
      }),
    )
  })

  test('a renewal brings one more unit, and a microsecond less does not', () => {
    fc.assert(
      fc.property(situation, ({ charge: one, backlog }) => {
        const look = (left: number) => only(decide([{ ...one, cost: 0 }], [left]).quotas)
        const { remaining, renewal } = look(backlog)
        expect(remaining).toBe(Math.min(one.burst, Math.floor(one.burst - backlog / one.interval)))
        if (renewal === 0) return expect(remaining).toBe(one.burst)
        expect(look(backlog - renewal).remaining).toBe(remaining + 1)
        expect(look(backlog - renewal + 1).remaining).toBe(remaining)
      }),
    )
  })

  test('a cost above the burst never fits, any other does after a wait', () => {
    fc.assert(
      fc.property(situation, ({ charge: one, backlog }) => {
        expect(decide([one], [backlog]).outcome === 'impossible').toBe(one.cost > one.burst)
      }),
    )
  })

  test('several charges are admitted if and only if each of them alone would be', () => {
    fc.assert(
      fc.property(fc.array(situation, { minLength: 1, maxLength: 5 }), (situations) => {
        const charges = situations.map((one) => one.charge)
        const backlogs = situations.map((one) => one.backlog)
        const alone = situations.map((one) => decide([one.charge], [one.backlog]))
        const together = decide(charges, backlogs)
        expect(together.outcome === 'admitted').toBe(alone.every(({ outcome }) => outcome === 'admitted'))
        expect(together.quotas.map(({ wait }) => wait)).toEqual(alone.map(({ quotas }) => quotas[0]?.wait))
        if (together.outcome === 'admitted') return
        // Nothing was taken: the budgets stand as a look at them says.
        const looks = charges.map(
          (one, index) => decide([{ ...one, cost: 0 }], [backlogs[index] ?? 0]).quotas[0],
        )
        expect(together.quotas.map(({ remaining }) => remaining)).toEqual(
          looks.map((look) => look?.remaining),
        )
      }),
    )
  })
})

describe('carryBacklog', () => {
  test('keeps the units that were taken, at most the new burst, and never fewer', () => {
    fc.assert(
      fc.property(situation, rate, ({ charge: old, backlog }, given) => {
        const carried = carryBacklog(given, backlog, old.interval)
        const units = Math.min(backlog / old.interval, given.burst)
        expect(Number.isSafeInteger(carried)).toBe(true)
        expect(carried).toBeLessThanOrEqual(given.interval * given.burst)
        expect(carried / given.interval).toBeGreaterThanOrEqual(units - 1e-9)
        expect(carried / given.interval).toBeLessThanOrEqual(units + 1 / given.interval + 1e-9)
      }),
    )
  })

  test('changes nothing while the rate is the same', () => {
    fc.assert(
      fc.property(situation, ({ charge: one, backlog }) => {
        expect(carryBacklog(one, backlog, one.interval)).toBe(backlog)
      }),
    )
  })
})
