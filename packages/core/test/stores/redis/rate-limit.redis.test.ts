import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { keyOf } from '../../../src/key.js'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import { guardRedis, redisRateLimitStore, redisStores } from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'
import { rateLimitStoreSuite } from '../../../src/testing/rate-limit-store-suite.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { schedules } from '../rate-limit-schedules.js'
import { run } from '../rate-limit-steps.js'
import { connect, PATIENT, PIPELINING } from './clients.js'

const HOUR = 3_600_000_000

function charge(key: string, init: Partial<RateLimitCharge> = {}): RateLimitCharge {
  return { quota: 'burst', key, interval: HOUR, burst: 20, cost: 1, ...init } as RateLimitCharge
}

describeRedis.each(PIPELINING)('on one server, %s', (_title, pipelining) => {
  const server = useRedis()
  const open = async () => redisRateLimitStore(await connect(server().port, pipelining), PATIENT)

  describe('the suite', () => {
    let redis: ReturnType<typeof guardRedis> | undefined
    const suite = rateLimitStoreSuite(async (clock) => {
      redis = guardRedis(await connect(server().port, pipelining), PATIENT)
      return guardedRateLimitStore(redis, { prefix: 'suite:', deadline: 50, now: () => clock.now() })
    })
    test.each([...suite])('$name', (one) => one.run())
  })

  test.each([
    ['of one cost', 1, 70],
    ['of two costs', 2, 35],
  ])(
    'linearizable: many at once get exactly the budget, though the server forgets the scripts, %s',
    async (_costs, cost, most) => {
      const stores = await Promise.all(Array.from({ length: 4 }, open))
      const key = `at once ${cost}`
      const charges = [charge(key, { burst: 100 }), charge(key, { quota: 'other', burst: 70, cost })]
      const decisions: Promise<{ readonly outcome: string }>[] = []
      for (let round = 0; round < 20; round += 1) {
        for (const store of stores) {
          for (let call = 0; call < 5; call += 1) decisions.push(Promise.resolve(store.consume(charges)))
        }
        if (round % 4 === 0) await server().flushScripts()
      }
      const outcomes = (await Promise.all(decisions)).map(({ outcome }) => outcome)
      expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(most)
      expect(outcomes).toHaveLength(400)
    },
  )

  test('non-interference: many at once over several keys get exactly the budget, and neighbours lose nothing', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, open))
    const everybody = charge('everybody', { burst: 30 })
    const decisions = await Promise.all(
      Array.from({ length: 200 }, async (_, index) =>
        stores[index % 4]?.consume([charge(`user-${index % 8}`, { burst: 25 }), everybody]),
      ),
    )
    expect(decisions.filter((decision) => decision?.outcome === 'admitted')).toHaveLength(30)
    const looks = await Promise.all(
      Array.from({ length: 8 }, async (_, user) =>
        stores[0]?.consume([charge(`user-${user}`, { burst: 25, cost: 0 })]),
      ),
    )
    const left = looks.map((look) => look?.quotas[0]?.remaining ?? 0)
    expect(left.reduce((sum, units) => sum + units, 0)).toBe(8 * 25 - 30)
  })

  test('many at once hold exactly as many slots as there are', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, open))
    const slots = [
      { quota: 'running', key: 'slots', limit: 7 },
      { quota: 'shared', key: 'all slots', limit: 5 },
    ]
    const decisions = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => stores[index % 4]?.acquire(slots, 60_000)),
    )
    expect(decisions.filter((decision) => decision?.outcome === 'acquired')).toHaveLength(5)
  })
})

describeRedis('what is on the server', () => {
  const server = useRedis()
  const open = async (options = {}) =>
    redisRateLimitStore(await connect(server().port), { ...PATIENT, ...options })
  const keys = async (pattern: string) => (await server().command('KEYS', pattern)) as readonly string[]

  test('keys: every key has the prefix, the digest as its tag, and a time to live that fits', async () => {
    const store = await open({ prefix: 'mine:' })
    const key = keyOf('somebody')
    await store.consume([charge(key, { interval: 1_000_000, burst: 20, cost: 5 })])
    await store.consume([
      { quota: 'window', key, algorithm: 'sliding-window', window: 60_000_000, burst: 9, cost: 1 },
    ])
    await store.consume([charge(keyOf('reserving'), { cost: 0 })], { reserve: 30_000 })
    await store.block(keyOf('blocked'), 40_000)
    await store.acquire([{ quota: 'running', key, limit: 3 }], 5_000)
    const all = await keys('*')
    expect(all.toSorted()).toEqual(
      [
        `mine:{${key}}`,
        `mine:{${key}}:running`,
        `mine:{${keyOf('blocked')}}`,
        `mine:{${keyOf('reserving')}}`,
      ].toSorted(),
    )
    for (const one of all) expect(await server().command('PTTL', one)).toBeGreaterThan(4_000)
    expect(await server().command('PTTL', `mine:{${key}}`)).toBeLessThanOrEqual(66_000)
    expect(await server().command('PTTL', `mine:{${key}}:running`)).toBeLessThanOrEqual(5_000)
    expect(await server().command('PTTL', `mine:{${keyOf('blocked')}}`)).toBeLessThanOrEqual(40_000)
  })

  test('keys: whatever happens, every key has the prefix and a time to live', async () => {
    const redis = guardRedis(await connect(server().port), PATIENT)
    const hour = 3_600_000
    await server().command('FLUSHALL')
    await fc.assert(
      fc.asyncProperty(schedules({ atomic: false, maxLength: 40 }), async (schedule) => {
        const clock = new ManualClock()
        const now = (): number => clock.now()
        await run(guardedRateLimitStore(redis, { prefix: 'any:', deadline: 50, now }), clock, schedule)
        const all = await keys('*')
        const lives = await Promise.all(all.map((one) => server().command('PTTL', one)))
        expect(all.filter((one) => !one.startsWith('any:{'))).toEqual([])
        // The longest of these schedules' budgets takes twelve days, and a test's clock is given an hour more.
        expect(lives.filter((live) => Number(live) <= 0 || Number(live) > 13 * 24 * hour)).toEqual([])
        await server().command('FLUSHALL')
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  test.each([
    ['of one cost', 2],
    ['of two costs', 1],
  ])(
    'all or nothing: a denial leaves every byte as it was, a look and a wrong answer too, %s',
    async (_costs, cost) => {
      const store = await open()
      const key = `bytes ${cost}`
      const charges = [charge(key, { burst: 3, cost: 2 }), charge(key, { quota: 'wide', cost })]
      await store.consume(charges)
      const before = await server().command('DUMP', `headgate:{${key}}`)
      for (let times = 0; times < 5; times += 1) {
        expect((await store.consume(charges)).outcome).toBe('denied')
        expect((await store.consume(charges.map((one) => ({ ...one, cost: 0 })))).outcome).toBe('admitted')
        expect((await store.consume([charge(key, { burst: 3, cost: 4 })])).outcome).toBe('impossible')
      }
      expect(await server().command('DUMP', `headgate:{${key}}`)).toEqual(before)
    },
  )

  test('a budget that is full again leaves nothing behind', async () => {
    const store = await open()
    await store.consume([charge('short', { interval: 1_000, burst: 5, cost: 3 })])
    await poll('the key to end', async () => (await keys('*short*')).length === 0)
  })

  test('budgets that are full again are cleared away when another of the key is charged', async () => {
    const store = await open()
    for (let index = 0; index < 50; index += 1) {
      await store.consume([charge('tidy', { quota: `old-${index}`, interval: 1, burst: 1 })])
    }
    await store.consume([charge('tidy')])
    expect(Number(await server().command('STRLEN', 'headgate:{tidy}'))).toBeLessThan(100)
  })

  test('time passes on the server', async () => {
    const store = await open()
    const fast = charge('time', { interval: 20_000, burst: 1 })
    expect((await store.consume([fast])).outcome).toBe('admitted')
    await poll('the next unit', async () => (await store.consume([fast])).outcome === 'admitted')
  })

  test('a value that is no budget fails the call and is left alone', async () => {
    const store = await open()
    await server().command('SET', 'headgate:{broken}', 'not ours')
    await expect(store.consume([charge('broken')])).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(await server().command('GET', 'headgate:{broken}')).toBe('not ours')
  })
})

describe('settings that can not be right', () => {
  const client = {
    options: {},
    status: 'ready',
    connect() {},
    evalsha() {},
    eval() {},
    evalshaBuffer() {},
    evalBuffer() {},
  }

  test.each<[object, RegExp]>([
    [{ prefix: '' }, /prefix/],
    [{ prefix: 'a{b}' }, /prefix must have no braces/],
    [{ deadline: 0 }, /deadline/],
    [{ dead: 1 }, /unknown option 'dead'/],
  ])('%j', (options, message) => {
    for (const make of [redisRateLimitStore, redisStores]) {
      expect(() => make(client as never, options)).toThrow(TypeError)
      expect(() => make(client as never, options)).toThrow(message)
    }
  })
})
