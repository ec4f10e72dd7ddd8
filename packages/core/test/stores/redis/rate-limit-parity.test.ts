import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { type GuardedRedis, guardRedis } from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import {
  schedulesOfManyQuotas,
  schedulesOfReservations,
  schedulesOfSlowBudgets,
} from '../rate-limit-rare-schedules.js'
import {
  schedules,
  schedulesOfMonths,
  schedulesOfPlans,
  schedulesWithStepsBack,
} from '../rate-limit-schedules.js'
import { run, type Step } from '../rate-limit-steps.js'
import { connect, PATIENT } from './clients.js'

let runs = 0

/** Counts the ways by which the script came to its decisions, which its replies tell apart. */
function watchedRedis(redis: GuardedRedis) {
  const taken = {
    'admitted plainly': 0,
    'denied plainly': 0,
    'plainly, another plan than before': 0,
    'asked plainly, decided at length': 0,
    'from plain to long': 0,
    'from long to plain': 0,
  }
  const last = new Map<string, { readonly plan: string; readonly isPlain: boolean }>()
  const note = (key: string, args: readonly unknown[], reply: readonly number[]): void => {
    const plan = String(args[1])
    const isPlain = reply.length === plan.split('\n').length - 1
    const before = last.get(key)
    last.set(key, { plan, isPlain })
    if (isPlain) taken[(reply[0] ?? 0) < 0 ? 'denied plainly' : 'admitted plainly'] += 1
    else if (args[0] !== '') taken['asked plainly, decided at length'] += 1
    if (before === undefined) return
    if (isPlain && before.plan !== plan) taken['plainly, another plan than before'] += 1
    if (isPlain && !before.isPlain) taken['from long to plain'] += 1
    if (!isPlain && before.isPlain) taken['from plain to long'] += 1
  }
  const watched: GuardedRedis = {
    ...redis,
    async run(script, keys, args = []) {
      const reply = await redis.run(script, keys, args)
      if (Array.isArray(reply)) note(keys[0] ?? '', args, reply as readonly number[])
      return reply
    },
  }
  return { redis: watched, taken }
}

async function check(
  redis: GuardedRedis,
  some: fc.Arbitrary<readonly Step[]>,
  numRuns: number,
): Promise<void> {
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
}

describeRedis('parity', () => {
  const server = useRedis()

  test.each([
    ['whatever happens within one key', schedules({ atomic: true, maxLength: 60 }), 1_200],
    ['whatever happens over several keys', schedules({ atomic: false, maxLength: 60 }), 500],
    ['from month to month', schedulesOfMonths({ atomic: true, maxLength: 60 }), 700],
    ['with more reservations than a budget keeps', schedulesOfReservations({ maxLength: 150 }), 150],
    ['with many quotas of one key', schedulesOfManyQuotas({ maxLength: 40 }), 200],
    [
      'when the clock of several budgets steps back',
      schedulesOfSlowBudgets({ atomic: true, maxLength: 60 }),
      500,
    ],
    [
      'when the clock steps back',
      schedulesWithStepsBack({ maxLength: 60, algorithms: ['gcra', 'sliding-window', 'fixed-window'] }),
      700,
    ],
  ])(
    '%s, Redis, memory and the model say the same',
    async (_title, some, numRuns) => {
      await check(guardRedis(await connect(server().port), PATIENT), some, numRuns)
    },
    120_000,
  )

  test('plainly or not, and from one to the other, Redis, memory and the model say the same', async () => {
    const { redis, taken } = watchedRedis(guardRedis(await connect(server().port), PATIENT))
    await check(redis, schedulesOfPlans({ maxLength: 80 }), 400)
    const rare = Object.entries(taken).filter(([, times]) => times < 100)
    expect(rare).toEqual([])
  }, 120_000)
})
