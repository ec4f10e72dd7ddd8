import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import { run, schedules } from '../rate-limit-schedules.js'

test('whatever happens in whatever order, the store in memory says what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(schedules({ atomic: false, maxLength: 80 }), async (schedule) => {
      const [clock, other] = [new ManualClock(), new ManualClock()]
      const said = await run(memoryRateLimitStore({ clock }), clock, schedule)
      expect(said).toEqual(await run(modelRateLimitStore(other), other, schedule))
    }),
    { numRuns: 1_000 },
  )
}, 60_000)
