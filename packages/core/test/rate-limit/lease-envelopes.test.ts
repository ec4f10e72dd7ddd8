import { describe, expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { LeaseOptions } from '../../src/rate-limit/leased.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const WINDOW = 1_000
const TTL = 200
const LEASES: LeaseOptions = { maxUnits: 40, ttl: TTL }

/** Requests at once: of which process, how many, and how long until the next ones. */
type Rush = readonly [node: number, times: number, pause: number]

/** When three processes that take units ahead of one quota admitted, for each request that they did. */
async function admissions(quota: Partial<Quota>, from: number, rushes: Iterable<Rush>) {
  const clock = new ManualClock(Date.UTC(2026, 0, 1) + from)
  const memory = memoryRateLimitStore({ clock })
  const store: BudgetStore = {
    ...memory,
    async consume(charges, options) {
      await turn()
      return memory.consume(charges, options)
    },
  }
  const quotas = [{ name: 'q', limit: 100, window: WINDOW, key: 'ip', ...quota } satisfies Quota]
  const nodes = Array.from({ length: 3 }, () => rateLimit({ store, quotas, leases: LEASES, clock }))
  const all: number[] = []
  for (const [node, times, pause] of rushes) {
    for (let time = 0; time < times; time += 1) {
      const reply = await nodes[node]?.handle(literalExchange(), async () => {
        return { kind: 'answer', status: 200, headers: {}, body: null }
      })
      if (reply?.status === 200) all.push(clock.now())
    }
    await clock.advance(pause)
  }
  return all
}

/** The most in any half-open stretch of so many milliseconds. */
function mostIn(length: number, all: readonly number[]): number {
  let first = 0
  let most = 0
  for (const [index, at] of all.entries()) {
    while (at - (all[first] ?? at) >= length) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most
}

const rush = fc.tuple(
  fc.nat(2),
  fc.oneof(fc.nat(4), fc.nat(60)),
  fc.oneof(fc.nat(20), fc.nat(TTL), fc.nat(1_200)),
)
const random = fc.array(rush, { minLength: 10, maxLength: 40, size: 'max' })

/** Units are taken ahead, kept for nearly as long as they may be, and from then on everybody takes all there is. */
const flood = Array.from({ length: 60 }, (_, index): Rush => [index % 3, 30, 20])
const ahead = fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 14 }), fc.constant(0))
const kept = fc
  .tuple(fc.array(ahead, { minLength: 1, maxLength: 3 }), fc.integer({ min: TTL - 60, max: TTL - 1 }))
  .map(([rushes, pause]): readonly Rush[] => [...rushes, [0, 0, pause], ...flood])
const schedules = fc.oneof(random, kept)

describe('lease: the most that passes in any window, with units that are used later than they were charged', () => {
  test.each<[string, Partial<Quota>, number]>([
    ['a strict quota is the limit', { strict: true, burst: 40 }, 100],
    ['a strict quota of a large burst is the limit', { strict: true, burst: 90 }, 100],
    ['a sliding window is the limit', { algorithm: 'sliding-window' }, 100],
    ['a fixed window is twice the limit', { algorithm: 'fixed-window' }, 200],
    ['GCRA is its burst and what comes back in the window and in a lease', { burst: 60 }, 60 + 100 + 20],
  ])('of %s', async (_name, quota, most) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(WINDOW), schedules, async (from, schedule) => {
        expect(mostIn(WINDOW, await admissions(quota, from, schedule))).toBeLessThanOrEqual(most)
      }),
      { numRuns: 25 },
    )
  })
})
