import { expect, test } from '@jest/globals'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import { type GuardedRedis, StoreUnavailable } from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'

/** A Redis that answers as it is told, `away` once it has nothing more to say. It keeps what it was asked. */
function setUp(replies: readonly unknown[]) {
  const asked: { readonly key: string | undefined; readonly args: readonly unknown[] }[] = []
  const redis: GuardedRedis = {
    warnings: [],
    run(_script, keys, args = []) {
      const reply = replies[asked.length]
      asked.push({ key: keys[0], args })
      return reply === undefined ? Promise.reject(new StoreUnavailable('deadline')) : Promise.resolve(reply)
    },
  }
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

test('keys are asked in their order, and none after a denial but to undo and to look', async () => {
  const { asked, store } = setUp([ADMITTED, DENIED, 0, ADMITTED, ADMITTED])
  const charges = [charge('user'), charge('tenant'), charge('all')]
  expect(await store.consume(charges)).toMatchObject({ outcome: 'denied', wait: 700 })
  expect(asked.map(({ key, args }) => [key, args.length === 8 ? args[0] : 'undo'])).toEqual([
    ['p:{user}', '1'],
    ['p:{tenant}', '1'],
    ['p:{user}', 'undo'],
    ['p:{user}', '0'],
    ['p:{all}', '0'],
  ])
  // All that was charged is given back.
  expect(asked[2]?.args).toEqual([asked[0]?.args[1], 'gq', 1, 0])
})

test('the last key keeps no reservation for an undo; the others keep theirs for twice the deadline', async () => {
  const { asked, store } = setUp([ADMITTED, ADMITTED])
  await store.consume([charge('user'), charge('all')])
  expect(asked.map(({ args }) => args.slice(1, 3))).toEqual([
    [expect.stringMatching(/./), 100_000],
    ['', 0],
  ])
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
  expect(asked.map(({ args }) => args[0])).toEqual(['0', '0'])
})

test('numbers are understood as text too, as some clients are set to give them', async () => {
  const { store } = setUp([['1', '0', '1000', '700']])
  expect(await store.consume([charge('user')])).toMatchObject({
    outcome: 'denied',
    wait: 700,
    quotas: [{ remaining: 0, renewal: 1_000, wait: 700 }],
  })
})

test('no charges need no call', async () => {
  const { asked, store } = setUp([])
  expect(await store.consume([])).toEqual({ outcome: 'admitted', quotas: [] })
  expect(asked).toHaveLength(0)
})
