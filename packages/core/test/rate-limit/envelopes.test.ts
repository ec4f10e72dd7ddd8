import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type CalendarRate, type Rate, strictInterval } from '../../src/rate-limit/rate.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const SECOND = 1_000_000

/** What a rate admits of a schedule of [pause in microseconds, cost]; when, and how much. */
async function admitted(rate: Rate, schedule: Iterable<readonly [number, number]>, start = 0) {
  const clock = new ManualClock(Date.UTC(2026, 0, 1) + start / 1_000)
  const store = memoryRateLimitStore({ clock })
  const all: { at: number; cost: number }[] = []
  let now = 0
  for (const [pause, cost] of schedule) {
    now += pause
    clock.step(Date.UTC(2026, 0, 1) + (start + now) / 1_000)
    const { outcome } = await store.consume([{ ...rate, quota: 'q', key: 'k', cost }])
    if (outcome === 'admitted') all.push({ at: now, cost })
  }
  return all
}

/** The most that was admitted in any half-open stretch of so many microseconds. */
function mostIn(window: number, all: readonly { at: number; cost: number }[]): number {
  let most = 0
  let first = 0
  let sum = 0
  for (const { at, cost } of all) {
    sum += cost
    while (at - (all[first]?.at ?? at) >= window) sum -= all[first++]?.cost ?? 0
    most = Math.max(most, sum)
  }
  return most
}

const limits = fc.integer({ min: 2, max: 30 })
const costs = fc.integer({ min: 1, max: 4 })
const schedule = fc.array(fc.tuple(fc.oneof(fc.constant(0), fc.nat(60_000), fc.nat(1_200_000)), costs), {
  maxLength: 150,
  size: 'max',
})
const start = fc.nat(SECOND)

describe('envelope: the most that passes in any window', () => {
  test('of a sliding window is the limit', async () => {
    await fc.assert(
      fc.asyncProperty(limits, schedule, start, async (burst, requests, from) => {
        const rate = { algorithm: 'sliding-window', window: SECOND, burst } as const
        expect(mostIn(SECOND, await admitted(rate, requests, from))).toBeLessThanOrEqual(burst)
      }),
      { numRuns: 200 },
    )
  })

  test('of a strict quota is the limit', async () => {
    const burst = fc.integer({ min: 4, max: 20 })
    await fc.assert(
      fc.asyncProperty(limits, burst, schedule, async (more, given, requests) => {
        const limit = given + more
        const rate = { interval: strictInterval(SECOND, limit, given), burst: given }
        expect(mostIn(SECOND, await admitted(rate, requests))).toBeLessThanOrEqual(limit)
      }),
      { numRuns: 200 },
    )
  })

  test('of GCRA is its burst and what comes back in the window', async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.integer({ min: 1, max: 20 }), schedule, async (limit, burst, requests) => {
        const interval = Math.ceil(SECOND / limit)
        const all = await admitted({ interval, burst }, requests)
        expect(mostIn(SECOND, all)).toBeLessThanOrEqual(burst + SECOND / interval)
      }),
      { numRuns: 200 },
    )
  })

  test('of a fixed window is twice the limit', async () => {
    await fc.assert(
      fc.asyncProperty(limits, schedule, start, async (burst, requests, from) => {
        const rate = { algorithm: 'fixed-window', window: SECOND, burst } as const
        expect(mostIn(SECOND, await admitted(rate, requests, from))).toBeLessThanOrEqual(2 * burst)
      }),
      { numRuns: 200 },
    )
  })

  test('of a month is the limit, of the days of a February twice that, of longer ones around it three times', async () => {
    const DAY = 86_400 * SECOND
    const pause = fc.oneof(fc.constant(0), fc.nat(DAY), fc.nat(12 * DAY))
    const requests = fc.array(fc.tuple(pause, costs), { maxLength: 150, size: 'max' })
    // In 2027 and 2028, so that a February of either length is in it.
    const from = fc.integer({ min: 365, max: 900 }).map((days) => days * DAY)
    await fc.assert(
      fc.asyncProperty(limits, requests, from, async (burst, some, first) => {
        const rate: CalendarRate = { algorithm: 'fixed-window', window: 'month', burst }
        const all = await admitted(rate, some, first)
        const months = new Map<string, number>()
        for (const { at, cost } of all) {
          const month = new Date(Date.UTC(2026, 0, 1) + (first + at) / 1_000).toISOString().slice(0, 7)
          months.set(month, (months.get(month) ?? 0) + cost)
        }
        expect(Math.max(0, ...months.values())).toBeLessThanOrEqual(burst)
        expect(mostIn(28 * DAY, all)).toBeLessThanOrEqual(2 * burst)
        expect(mostIn(31 * DAY, all)).toBeLessThanOrEqual(3 * burst)
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['of a common year', 2026, 28],
    ['of a leap year', 2028, 29],
  ])(
    'around a month %s the whole limit is there each time, and nothing of it twice',
    async (_name, year, days) => {
      const rate: CalendarRate = { algorithm: 'fixed-window', window: 'month', burst: 5 }
      const february = days * 86_400 * SECOND
      // All that passes in the last moment of January, in the first and the last of February, in the first of March.
      const requests = [0, 1, february - 1, 1].flatMap((pause) =>
        Array.from({ length: 20 }, (_, nth) => [nth === 0 ? pause : 0, 1] as const),
      )
      const lastOfJanuary = (Date.UTC(year, 1) - Date.UTC(2026, 0, 1)) * 1_000 - 1
      const all = await admitted(rate, requests, lastOfJanuary)
      expect(all.map(({ at }) => at)).toEqual([0, 1, february + 1].flatMap((at) => Array(5).fill(at)))
      expect(mostIn(february, all)).toBe(10)
      expect(mostIn(february + 2, all)).toBe(15)
    },
  )

  // One request, then all that passes just before and just after a boundary, then a flood of five times the limit.
  const flood = [
    [0, 1],
    ...Array.from({ length: 200 }, (_, index) => [index === 0 ? 960_000 : 0, 1] as const),
    ...Array.from({ length: 200 }, (_, index) => [index === 0 ? 60_000 : 0, 1] as const),
    ...Array.from({ length: 3_000 }, () => [2_000, 1] as const),
  ] as const

  test.each<[string, Rate, number, number]>([
    ['a fixed window', { algorithm: 'fixed-window', window: SECOND, burst: 100 }, 199, 199],
    ['a sliding window', { algorithm: 'sliding-window', window: SECOND, burst: 100 }, 99, 100],
    ['GCRA with a burst of a tenth', { interval: 10_000, burst: 10 }, 20, 110],
    ['GCRA with the limit as burst', { interval: 10_000, burst: 100 }, 110, 200],
    ['a strict quota', { interval: strictInterval(SECOND, 100, 10), burst: 10 }, 19, 100],
  ])('at a boundary and in a flood, of %s', async (_name, rate, inTenth, inWindow) => {
    const all = await admitted(rate, flood)
    expect(mostIn(SECOND / 10, all)).toBeLessThanOrEqual(inTenth)
    expect(mostIn(SECOND, all)).toBeLessThanOrEqual(inWindow)
  })

  test.each<[string, Rate, number]>([
    ['a fixed window', { algorithm: 'fixed-window', window: SECOND, burst: 100 }, 100],
    ['a sliding window', { algorithm: 'sliding-window', window: SECOND, burst: 100 }, 90],
    ['GCRA', { interval: 10_000, burst: 10 }, 100],
    ['a strict quota', { interval: strictInterval(SECOND, 100, 10), burst: 10 }, 90],
  ])(
    'no starvation: a client at any multiple of its limit is served the limit by %s',
    async (_name, rate, perSecond) => {
      for (const times of [1, 1.2, 2, 5, 10]) {
        const pause = Math.floor(10_000 / times)
        const requests = Array.from({ length: Math.ceil((20 * SECOND) / pause) }, () => [pause, 1] as const)
        const { length } = await admitted(rate, requests)
        expect(length).toBeGreaterThanOrEqual(20 * perSecond * 0.99 - 10)
      }
    },
  )
})
