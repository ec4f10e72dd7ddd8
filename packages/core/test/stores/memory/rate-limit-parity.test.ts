import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import { run, schedules, schedulesOfMonths, schedulesWithStepsBack } from '../rate-limit-schedules.js'

const LENGTH = { atomic: false, maxLength: 80 }

test.each([
  ['whatever happens in whatever order', schedules(LENGTH)],
  ['from month to month', schedulesOfMonths(LENGTH)],
  [
    'when the clock steps back',
    schedulesWithStepsBack({ ...LENGTH, algorithms: ['gcra', 'sliding-window', 'fixed-window'] }),
  ],
])(
  '%s, the store in memory says what the model says',
  async (_title, some) => {
    await fc.assert(
      fc.asyncProperty(some, async (schedule) => {
        const [clock, other] = [new ManualClock(), new ManualClock()]
        const said = await run(memoryRateLimitStore({ clock }), clock, schedule)
        expect(said).toEqual(await run(modelRateLimitStore(other), other, schedule))
      }),
      { numRuns: 1_500 },
    )
  },
  60_000,
)
