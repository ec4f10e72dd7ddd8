import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { Redis } from 'ioredis'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { Quota } from '../../../src/rate-limit/quota.js'
import { rateLimit } from '../../../src/rate-limit/rate-limit.js'
import type { RateLimitCharge, RateLimitStore } from '../../../src/rate-limit/store.js'
import type { Answer } from '../../../src/reply.js'
import {
  guardRedis,
  type RedisArgument,
  type RedisLike,
  type StoreUnavailable,
} from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { connect, PATIENT } from './clients.js'

const KEYS = ['user', 'tenant', 'all'] as const
const HOUR = 3_600_000_000
const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
let runs = 0

function charge(key: string, init: Partial<RateLimitCharge> = {}): RateLimitCharge {
  return { quota: 'q', key, interval: HOUR, burst: 5, cost: 1, ...init } as RateLimitCharge
}

const CHARGES = KEYS.map((key) => charge(key))
const SLOTS = KEYS.map((key) => ({ quota: 'running', key, limit: 3 }))

/** A client whose replies come as much later as it is told, by the clock; those that nothing is told of come at once. */
function slowed(client: Redis, clock: ManualClock, delays: readonly number[]) {
  let sent = 0
  let came = 0
  const later = async (reply: Promise<unknown>): Promise<unknown> => {
    const delay = delays[sent] ?? 0
    sent += 1
    const given = await reply
    came += 1
    if (delay > 0) await new Promise<void>((resolve) => void clock.after(delay, resolve))
    return given
  }
  type Words = [string, number, ...RedisArgument[]]
  const slow: RedisLike & Record<'evalshaBuffer' | 'evalBuffer', RedisLike['evalsha']> = {
    status: 'ready',
    options: {},
    connect: () => client.connect(),
    // In full: a server that does not know a script would make one call two.
    evalsha: (...words: Words) => later(client.evalsha(...words)),
    eval: (...words: Words) => later(client.eval(...words)),
    evalshaBuffer: (...words: Words) => later(client.evalsha(...words)),
    evalBuffer: (...words: Words) => later(client.eval(...words)),
  }
  return { client: slow, come: () => came, isQuiet: () => came === sent }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** How many slots of each key are free. */
async function free(store: RateLimitStore): Promise<readonly number[]> {
  return Promise.all(
    SLOTS.map(async (slot) => {
      const got = await store.acquire([slot], 1_000)
      if (got.outcome === 'full') return 0
      await store.release(got.hold)
      return (got.free[0] ?? 0) + 1
    }),
  )
}

describeRedis('a decision over several keys', () => {
  const server = useRedis()

  /** A store whose replies come late, and one that tells at once how budgets stand. */
  async function setUp(delays: readonly number[]) {
    const redis = await connect(server().port)
    const clock = new ManualClock()
    const now = (): number => clock.now()
    const prefix = `run-${(runs += 1)}:`
    const direct = guardedRateLimitStore(guardRedis(redis, PATIENT), { prefix, deadline: 50, now })
    // The server knows the scripts from now on.
    const other = charge('other')
    const warm = await direct.consume([other, { ...other, quota: 'slow', cost: 2 }], { reserve: 1_000 })
    if (warm.outcome === 'admitted' && warm.receipt !== undefined) await direct.settle(warm.receipt, [0, 0])
    const warmed = await direct.acquire([{ quota: 'running', key: 'other', limit: 3 }], 60_000)
    if (warmed.outcome === 'acquired') await direct.release(warmed.hold)
    const { client, come, isQuiet } = slowed(redis, clock, delays)
    const guard = guardRedis(client, { clock, deadline: 50, failures: 1_000 })
    const store = guardedRateLimitStore(guard, { prefix, deadline: 50, now })
    /** What was taken of each budget, once it is so. */
    const taken = async (): Promise<readonly number[]> => {
      const looks = await Promise.all(KEYS.map(async (key) => direct.consume([charge(key, { cost: 0 })])))
      return looks.map(({ quotas }) => 5 - (quotas[0]?.remaining ?? 0))
    }
    const asked = async (times: number): Promise<void> => {
      await poll(`reply ${times}`, async () => come() >= times)
      await settled()
    }
    /** Lets so much time pass, but none while the server has something to say. */
    const pass = async (duration: number): Promise<void> => {
      const end = clock.now() + duration
      while (clock.now() < end) {
        if (isQuiet()) await clock.advance(1)
        await settled()
      }
    }
    return { clock, store, direct, asked, taken, pass, prefix }
  }

  test('that takes longer than the deadline ends at the deadline, and what it took is given back behind it', async () => {
    const { clock, store, asked, taken, prefix } = await setUp([40, 40, 40])
    let failure: unknown
    const decision = Promise.resolve(store.consume(CHARGES)).catch((error: unknown) => (failure = error))
    await asked(1)
    await clock.advance(40)
    await asked(2)
    expect(await taken()).toEqual([1, 1, 0])
    await clock.advance(9)
    expect(failure).toBeUndefined()
    await clock.advance(1)
    expect(failure).toMatchObject({ reason: 'deadline', mayHaveApplied: true })
    await decision
    await asked(4)
    expect(await taken()).toEqual([0, 0, 0])
    expect(await server().command('EXISTS', `${prefix}{all}`)).toBe(0)
    await clock.advance(40)
    expect(await (failure as StoreUnavailable).givenBack).toBe(true)
  })

  test('that this process made instead is charged later: nothing of it stayed charged', async () => {
    const { clock, store, asked } = await setUp([60])
    const quotas = KEYS.map((name): Quota => ({ name, limit: 5, window: '5h', burst: 5, key: () => name }))
    const policy = rateLimit({ store, clock, quotas, expectedProcesses: 1 })
    const left = async (): Promise<unknown> => {
      const { headers } = await policy.handle(literalExchange(), () => Promise.resolve(OK))
      return String(headers['ratelimit']).match(/r=\d/g)?.join()
    }
    const instead = left()
    await asked(1)
    await clock.advance(60)
    expect(await instead).toBe('r=4,r=4,r=4')
    await asked(2)
    await settled()
    expect(await left()).toBe('r=4,r=4,r=4')
    // Three calls of that request, and two for each key behind it.
    await asked(11)
    expect(await left()).toBe('r=2,r=2,r=2')
  })

  test('whose last key does not answer in time is charged in full, and not in part', async () => {
    const { clock, store, asked, taken } = await setUp([20, 20, 20])
    const decision = Promise.resolve(store.consume(CHARGES)).catch((error: unknown) => error)
    for (const times of [1, 2]) {
      await asked(times)
      await clock.advance(20)
    }
    await asked(3)
    await clock.advance(10)
    expect(await decision).toMatchObject({ reason: 'deadline', mayHaveApplied: true })
    await clock.advance(100)
    expect(await taken()).toEqual([1, 1, 1])
  })

  test('that is denied says so at the deadline, though it is not undone yet; then it is', async () => {
    const { clock, store, direct, asked, taken } = await setUp([20, 20, 40])
    await direct.consume([charge('tenant', { cost: 5 })])
    let denial: unknown
    const decision = Promise.resolve(store.consume(CHARGES)).then((made) => (denial = made))
    for (const times of [1, 2]) {
      await asked(times)
      await clock.advance(20)
    }
    await asked(3)
    await clock.advance(9)
    expect(denial).toBeUndefined()
    await clock.advance(1)
    expect(await decision).toMatchObject({ outcome: 'denied', quotas: [{}, { remaining: 0 }, {}] })
    expect(await taken()).toEqual([0, 5, 0])
  })

  test('for slots ends at the deadline too, and holds none of them', async () => {
    const { clock, store, direct, asked } = await setUp([40, 40, 40])
    const decision = Promise.resolve(store.acquire(SLOTS, 60_000)).catch((error: unknown) => error)
    await asked(1)
    await clock.advance(40)
    await asked(2)
    expect(await free(direct)).toEqual([2, 2, 3])
    await clock.advance(10)
    expect(await decision).toMatchObject({ reason: 'deadline' })
    await asked(4)
    expect(await free(direct)).toEqual([3, 3, 3])
  })

  test('for one slot that nobody was told of is given back', async () => {
    const { clock, store, direct, asked } = await setUp([60])
    const decision = Promise.resolve(store.acquire(SLOTS.slice(0, 1), 60_000)).catch(
      (error: unknown) => error,
    )
    await asked(1)
    expect((await free(direct))[0]).toBe(2)
    await clock.advance(50)
    expect(await decision).toMatchObject({ reason: 'deadline' })
    await asked(2)
    expect((await free(direct))[0]).toBe(3)
  })

  describe('whatever the delays are', () => {
    const delay = fc.oneof(fc.constant(0), fc.nat(60))

    test('it ends in time, is charged in full when it was admitted, and at most once when nobody knows', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(delay, { maxLength: 40 }),
          fc.array(fc.constantFrom(...KEYS), { maxLength: 2 }),
          async (delays, full) => {
            const { clock, store, direct, taken, pass } = await setUp(delays)
            for (const key of new Set(full)) await direct.consume([charge(key, { cost: 4 })])
            const before = await taken()
            let [admitted, unknown] = [0, 0]
            for (let times = 0; times < 4; times += 1) {
              const start = clock.now()
              const end: { waited?: number } = {}
              const decision = Promise.resolve(store.consume(CHARGES)).then(
                ({ outcome }) => void (admitted += outcome === 'admitted' ? 1 : 0),
                () => void (unknown += 1),
              )
              void decision.then(() => (end.waited = clock.now() - start))
              while (end.waited === undefined) await pass(1)
              expect(end.waited).toBeLessThanOrEqual(50)
            }
            // What goes on behind the last answer.
            await pass(150)
            const after = await taken()
            const [user = 0, tenant, all = 0] = after.map((units, index) => units - (before[index] ?? 0))
            expect(tenant).toBe(user)
            expect(all).toBeGreaterThanOrEqual(admitted)
            // The last key may have said no when nobody listened any more: the others stay charged.
            expect(user).toBeGreaterThanOrEqual(all)
            expect(user).toBeLessThanOrEqual(admitted + unknown)
          },
        ),
        { numRuns: 60 },
      )
    }, 60_000)
  })
})
