import { expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import { redisRateLimitStore, type RedisStoreOptions } from '../../../src/stores/redis/index.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { connect, PATIENT } from './clients.js'

/** What was measured to go wrong in limiters that many services run on Redis, and has no test elsewhere. */

const DAY = 86_400_000_000

function charge(init: Partial<RateLimitCharge> = {}): RateLimitCharge {
  return { quota: 'q', key: 'k', interval: DAY, burst: 5, cost: 1, ...init } as RateLimitCharge
}

describeRedis('on one server', () => {
  const server = useRedis()
  const open = async (options: RedisStoreOptions = {}) =>
    redisRateLimitStore(await connect(server().port), { ...PATIENT, ...options })

  test('processes whose clocks are a minute apart share one window', async () => {
    const clocks = [new ManualClock(), new ManualClock(Date.UTC(2026, 0, 1) + 60_000)]
    const stores = await Promise.all(clocks.map((clock) => open({ clock, prefix: 'clocks:' })))
    const window = { algorithm: 'sliding-window', window: 10_000_000 } as const
    let admitted = 0
    for (let times = 0; times < 20; times += 1) {
      const decision = await stores[times % 2]?.consume([
        { quota: 'q', key: 'k', ...window, burst: 5, cost: 1 },
      ])
      if (decision?.outcome === 'admitted') admitted += 1
    }
    expect(admitted).toBe(5)
  })

  test('a window shorter than a second ends, and locks nobody', async () => {
    const store = await open({ prefix: 'short:' })
    const one = {
      quota: 'q',
      key: 'k',
      algorithm: 'fixed-window',
      window: 300_000,
      burst: 2,
      cost: 1,
    } as const
    await poll('a denial', async () => (await store.consume([one])).outcome === 'denied')
    await poll('the next window', async () => (await store.consume([one])).outcome === 'admitted')
  })

  test('a window longer than any timer limits, and its key lives as long', async () => {
    const store = await open({ prefix: 'long:' })
    const one = {
      quota: 'q',
      key: 'k',
      algorithm: 'fixed-window',
      window: 365 * DAY,
      burst: 2,
      cost: 1,
    } as const
    const outcomes = []
    for (let times = 0; times < 4; times += 1) outcomes.push((await store.consume([one])).outcome)
    expect(outcomes).toEqual(['admitted', 'admitted', 'denied', 'denied'])
    expect(await server().command('PTTL', 'long:{k}')).toBeGreaterThan(1_000)
  })

  test('a larger cost that is denied does not use up what is left for smaller ones', async () => {
    const store = await open({ prefix: 'costs:' })
    const one = charge({ burst: 100 })
    await store.consume([{ ...one, cost: 60 }])
    for (let times = 0; times < 5; times += 1) {
      expect((await store.consume([{ ...one, cost: 50 }])).outcome).toBe('denied')
    }
    expect((await store.consume([{ ...one, cost: 40 }])).outcome).toBe('admitted')
  })

  test('a client that is held back by its own quota takes nothing of the one it shares', async () => {
    const store = await open({ prefix: 'shared:' })
    const shared = charge({ quota: 'shared', key: 'all', burst: 100 })
    let admitted = 0
    for (let times = 0; times < 20; times += 1) {
      const { outcome } = await store.consume([charge({ key: 'throttled', burst: 1 }), shared])
      if (outcome === 'admitted') admitted += 1
    }
    expect(admitted).toBe(1)
    expect((await store.consume([{ ...shared, cost: 0 }])).quotas[0]?.remaining).toBe(99)
  })

  test('a budget takes less than a hundred bytes, whatever its limit is', async () => {
    const store = await open({ prefix: 'size:' })
    for (const burst of [10, 1_000, 1_000_000]) {
      const one = charge({ key: `of ${burst}`, burst, interval: 1_000 })
      for (let times = 0; times < 30; times += 1)
        await store.consume([{ ...one, cost: Math.ceil(burst / 40) }])
      expect(Number(await server().command('STRLEN', `size:{of ${burst}}`))).toBeLessThan(100)
    }
  })
})
