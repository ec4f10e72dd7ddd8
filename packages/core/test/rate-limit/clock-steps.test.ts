import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const MILLISECOND = 1_000

interface Request {
  /** Milliseconds that really pass before it. */
  readonly pause: number
  /** Milliseconds by which the clock is set before it. */
  readonly step: number
}

const interval = fc.integer({ min: 5, max: 200 })
const burst = fc.integer({ min: 1, max: 10 })
const request = fc.record({
  pause: fc.nat(150),
  step: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.integer({ min: -2_000, max: 2_000 })),
})

/** How many requests pass. */
async function admitted(
  rate: { readonly interval: number; readonly burst: number },
  requests: readonly Request[],
): Promise<number> {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  let count = 0
  for (const { pause, step } of requests) {
    clock.step(clock.now() + pause + step)
    const one = { quota: 'q', key: 'k', burst: rate.burst, interval: rate.interval * MILLISECOND, cost: 1 }
    if ((await store.consume([one])).outcome === 'admitted') count += 1
  }
  return count
}

test('clock: a step shifts what is admitted by at most what comes back in a time as long', async () => {
  await fc.assert(
    fc.asyncProperty(
      interval,
      burst,
      fc.array(request, { minLength: 1, maxLength: 120, size: 'max' }),
      async (every, most, requests) => {
        const rate = { interval: every, burst: most }
        const steady = await admitted(
          rate,
          requests.map(({ pause }) => ({ pause, step: 0 })),
        )
        const stepped = await admitted(rate, requests)
        const shift = requests.reduce((sum, { step }) => sum + Math.ceil(Math.abs(step) / every), 0)
        expect(Math.abs(stepped - steady)).toBeLessThanOrEqual(shift)
      },
    ),
    { numRuns: 500 },
  )
})

test('clock: a budget that owes more than its burst after a step back is brought back, and stays so though every try is denied', async () => {
  await fc.assert(
    fc.asyncProperty(interval, burst, fc.integer({ min: 1, max: 1e9 }), async (every, most, back) => {
      const clock = new ManualClock()
      const store = memoryRateLimitStore({ clock })
      const one = { quota: 'q', key: 'k', burst: most, interval: every * MILLISECOND, cost: 1 }
      for (let taken = 0; taken < most; taken += 1) await store.consume([one])
      clock.step(clock.now() - back)
      // One try a millisecond: the first unit is there when one interval has passed, as without the step.
      for (let passed = 0; passed < every; passed += 1) {
        expect((await store.consume([one])).outcome).toBe('denied')
        clock.step(clock.now() + 1)
      }
      expect((await store.consume([one])).outcome).toBe('admitted')
    }),
    { numRuns: 50 },
  )
})
