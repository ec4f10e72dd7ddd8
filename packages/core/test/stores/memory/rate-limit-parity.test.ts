import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import {
  schedulesOfManyQuotas,
  schedulesOfReservations,
  schedulesOfSlowBudgets,
} from '../rate-limit-rare-schedules.js'
import { schedules, schedulesOfMonths, schedulesWithStepsBack } from '../rate-limit-schedules.js'
import { run } from '../rate-limit-steps.js'

const LENGTH = { atomic: false, maxLength: 80 }

test.each([
  ['whatever happens in whatever order', schedules(LENGTH), 1_500],
  ['from month to month', schedulesOfMonths(LENGTH), 700],
  ['with more reservations than a budget keeps', schedulesOfReservations({ maxLength: 150 }), 200],
  ['with many quotas of one key', schedulesOfManyQuotas(LENGTH), 200],
  ['when the clock of several budgets steps back', schedulesOfSlowBudgets(LENGTH), 700],
  [
    'when the clock steps back',
    schedulesWithStepsBack({ ...LENGTH, algorithms: ['gcra', 'sliding-window', 'fixed-window'] }),
    1_500,
  ],
])(
  '%s, the store in memory says what the model says',
  async (_title, some, numRuns) => {
    await fc.assert(
      fc.asyncProperty(some, async (schedule) => {
        const [clock, other] = [new ManualClock(), new ManualClock()]
        const said = await run(memoryRateLimitStore({ clock }), clock, schedule)
        expect(said).toEqual(await run(modelRateLimitStore(other), other, schedule))
      }),
      { numRuns },
    )
  },
  120_000,
)
