import { describe, expect, test } from '@jest/globals'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import {
  type GuardedRedis,
  StoreUnavailable,
  type UnavailableReason,
} from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'

const waitFor = async (work: Promise<unknown>): Promise<void> => void (await work.catch(() => undefined))

/** A Redis that answers as it is told, and is away once it has nothing more to say. It keeps what it was asked. */
function setUp(replies: readonly unknown[], reason: UnavailableReason = 'deadline') {
  const asked: { readonly key: string | undefined; readonly args: readonly unknown[] }[] = []
  const run: GuardedRedis['run'] = (_script, keys, args = []) => {
    const reply = replies[asked.length]
    asked.push({ key: keys[0], args })
    return reply === undefined ? Promise.reject(new StoreUnavailable(reason)) : Promise.resolve(reply)
  }
  const redis: GuardedRedis = { warnings: [], run, together: (work) => work({ run, waitFor }) }
  return { asked, store: guardedRateLimitStore(redis, { prefix: 'p:', deadline: 50 }) }
}

const charge = (key: string, burst = 5): RateLimitCharge => ({
  quota: 'q',
  key,
  interval: 1_000,
  burst,
  cost: 1,
})
const ADMITTED = [0, 4, 1_000, 0]
const DENIED = [1, 0, 1_000, 700]

/** What a call is for: the plain form has a cost and a plan; the other one has none, and says whether it takes. */
function purposeOf({ args }: { readonly args: readonly unknown[] }): string {
  if (args[0] === '') return args[2] === 1 ? 'take' : 'look'
  return args.length === 2 ? 'take plainly' : 'undo'
}

test('keys are asked in their order, and none after a denial but to undo and to look', async () => {
  const { asked, store } = setUp([ADMITTED, DENIED, 0, ADMITTED, ADMITTED])
  const charges = [charge('user'), charge('tenant'), charge('all')]
  expect(await store.consume(charges)).toMatchObject({ outcome: 'denied', wait: 700 })
  expect(asked.map((call) => [call.key, purposeOf(call)])).toEqual([
    ['p:{user}', 'take'],
    ['p:{tenant}', 'take'],
    ['p:{user}', 'undo'],
    ['p:{user}', 'look'],
    ['p:{all}', 'look'],
  ])
  // All that was charged is given back.
  expect(asked[2]?.args).toEqual([asked[0]?.args[3], 'gq', 1, 0])
})

test('the last key keeps no reservation for an undo; the others keep theirs for two deadlines', async () => {
  const { asked, store } = setUp([ADMITTED, ADMITTED, ADMITTED])
  await store.consume([charge('user'), charge('tenant'), charge('all')])
  expect(asked.map(purposeOf)).toEqual(['take', 'take', 'take plainly'])
  expect(asked.map(({ args }) => args[4])).toEqual([100_000, 100_000, undefined])
  expect(asked[0]?.args[3]).toEqual(expect.stringMatching(/./))
})

const CHARGES = [charge('user'), charge('tenant'), charge('all')]

describe.each(['not-ready', 'breaker-open'] as const)('a store that goes away (%s)', (reason) => {
  test('before anything was charged was asked for nothing more', async () => {
    const { asked, store } = setUp([], reason)
    await expect(store.consume(CHARGES)).rejects.toMatchObject({ mayHaveApplied: false, reason })
    expect(asked).toHaveLength(1)
  })

  test('in between, and took back what it was charged, says so: all of it is owed', async () => {
    const { asked, store } = setUp([ADMITTED, ADMITTED, undefined, 1, 1], reason)
    await expect(store.consume(CHARGES)).rejects.toMatchObject({ mayHaveApplied: false, reason })
    expect(asked.slice(3).map((call) => [call.key, purposeOf(call)])).toEqual([
      ['p:{user}', 'undo'],
      ['p:{tenant}', 'undo'],
    ])
  })

  test('in between, with what it was charged, says so: none of it is owed once more', async () => {
    const { store } = setUp([ADMITTED, ADMITTED, undefined, 1], reason)
    await expect(store.consume(CHARGES)).rejects.toMatchObject({ mayHaveApplied: true, kind: reason })
  })
})

/** What is told of a decision that failed, and whether it was given back in the end. */
async function failureOf({ store }: ReturnType<typeof setUp>): Promise<readonly unknown[]> {
  const error: unknown = await Promise.resolve(store.consume(CHARGES)).catch((caught: unknown) => caught)
  const { reason, givenBack } = error as StoreUnavailable
  return [reason, await givenBack]
}

test('a call without an answer is given back too, but for that of the last key: it may be charged in full', async () => {
  const before = setUp([ADMITTED, undefined, 1, 1])
  expect(await failureOf(before)).toEqual(['deadline', true])
  expect(before.asked.slice(2).map((call) => [call.key, purposeOf(call)])).toEqual([
    ['p:{user}', 'undo'],
    ['p:{tenant}', 'undo'],
  ])
  const last = setUp([ADMITTED, ADMITTED, undefined, 1, 1])
  expect(await failureOf(last)).toEqual(['deadline', undefined])
  expect(last.asked).toHaveLength(3)
})

test.each([
  ['the call that gives back has no answer', [undefined, 1], false],
  ['it came too late', [0, 1], false],
  ['only what may not have been taken was not there', [1, 0], true],
])('what a key is known to have taken is back, or it is not said to be: %s', async (_why, undone, isBack) => {
  expect(await failureOf(setUp([ADMITTED, undefined, ...undone]))).toEqual(['deadline', isBack])
})

test('a denial stands though the store goes away before it is undone', async () => {
  const { store } = setUp([ADMITTED, DENIED])
  expect(await store.consume([charge('user'), charge('all')])).toEqual({
    outcome: 'denied',
    wait: 700,
    quotas: [
      { remaining: 0, renewal: 0, wait: 0 },
      { remaining: 0, renewal: 1_000, wait: 700 },
    ],
  })
})

test('a cost that never fits takes nothing from any key', async () => {
  const { asked, store } = setUp([ADMITTED, [2, 0, 0, -1]])
  expect((await store.consume([charge('user'), charge('all', 0)])).outcome).toBe('impossible')
  expect(asked.map(purposeOf)).toEqual(['look', 'look'])
})

test('numbers are understood as text too, as some clients are set to give them', async () => {
  const { store } = setUp([['1', '0', '1000', '700']])
  expect(await store.consume([charge('user')])).toMatchObject({
    outcome: 'denied',
    wait: 700,
    quotas: [{ remaining: 0, renewal: 1_000, wait: 700 }],
  })
})

test('a plain reply is one number for each charge: what is owed, or what was owed by one that is denied', async () => {
  const charges = [charge('user'), { ...charge('user'), quota: 'other', interval: 500 }]
  const { asked, store } = setUp([
    [1_700, 500],
    ['-4301', '-1'],
  ])
  expect(await store.consume(charges)).toEqual({
    outcome: 'admitted',
    quotas: [
      { remaining: 3, renewal: 700, wait: 0 },
      { remaining: 4, renewal: 500, wait: 0 },
    ],
  })
  expect(await store.consume(charges)).toEqual({
    outcome: 'denied',
    wait: 300,
    quotas: [
      { remaining: 0, renewal: 300, wait: 300 },
      { remaining: 5, renewal: 0, wait: 0 },
    ],
  })
  expect(asked[0]?.args).toEqual([1, '1000 5 gq\n500 5 gother\n'])
})

test('quotas of any text are different budgets, and one line each', async () => {
  const { asked, store } = setUp([[0], [0], [0], [0]])
  for (const quota of ['a\n1 1 gb', 'a\\n1 1 gb', 'a\\', 'a\n']) {
    await store.consume([{ ...charge('user'), quota }])
  }
  const plans = asked.map(({ args }) => String(args[1]))
  expect(new Set(plans).size).toBe(4)
  for (const plan of plans) expect(plan).toMatch(/^1000 5 g.+\n$/)
})

test('no charges need no call', async () => {
  const { asked, store } = setUp([])
  expect(await store.consume([])).toEqual({ outcome: 'admitted', quotas: [] })
  expect(asked).toHaveLength(0)
})
