import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { guardRedis } from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import { run, schedules, schedulesWithStepsBack } from '../rate-limit-schedules.js'
import { connect, PATIENT } from './clients.js'

let runs = 0

describeRedis('parity', () => {
  const server = useRedis()

  test.each([
    ['whatever happens within one key', schedules({ atomic: true, maxLength: 60 }), 1_200],
    ['whatever happens over several keys', schedules({ atomic: false, maxLength: 60 }), 500],
    ['when the clock steps back', schedulesWithStepsBack({ maxLength: 60, algorithms: ['gcra'] }), 700],
  ])(
    '%s, Redis, memory and the model say the same',
    async (_title, some, numRuns) => {
      const redis = guardRedis(await connect(server().port), PATIENT)
      await fc.assert(
        fc.asyncProperty(some, async (schedule) => {
          const clocks = [new ManualClock(), new ManualClock(), new ManualClock()] as const
          const now = (): number => clocks[0].now()
          const store = guardedRateLimitStore(redis, { prefix: `run-${(runs += 1)}:`, deadline: 50, now })
          const said = await run(store, clocks[0], schedule)
          expect(said).toEqual(await run(modelRateLimitStore(clocks[1]), clocks[1], schedule))
          expect(said).toEqual(await run(memoryRateLimitStore({ clock: clocks[2] }), clocks[2], schedule))
        }),
        { numRuns },
      )
    },
    120_000,
  )
})
