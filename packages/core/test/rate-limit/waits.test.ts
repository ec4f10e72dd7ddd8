import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseList } from 'structured-headers'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { Answer, Reply } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

function limited(quotas: readonly Quota[]) {
  const clock = new ManualClock()
  const policy = rateLimit({ store: memoryRateLimitStore({ clock }), quotas, clock })
  const send = (cost: number): Promise<Reply> =>
    policy.handle(literalExchange({ operation: { cost } }), () => Promise.resolve(OK))
  return { clock, send }
}

/** The times of the field, in seconds. */
function timesOf(reply: Reply): readonly number[] {
  return parseList(String(reply.headers['ratelimit'])).flatMap(([, parameters]) => {
    const time = parameters.get('t')
    return typeof time === 'number' ? [time] : []
  })
}

const settings = {
  limit: fc.integer({ min: 1, max: 400 }),
  window: fc.integer({ min: 400, max: 90_000 }),
}
const quota = fc.oneof(
  fc.record({ ...settings, burst: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ ...settings, algorithm: fc.constantFrom('sliding-window' as const, 'fixed-window' as const) }),
)
const quotas = fc
  .array(quota, { minLength: 1, maxLength: 3 })
  .map((all) => all.map((one, index): Quota => ({ ...one, name: `q${index}`, key: 'ip' })))
const calls = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(900)), {
  maxLength: 60,
  size: 'max',
})

test('wait: Retry-After of a denial is the first whole second at which it passes, never 0 and never before t', async () => {
  let denials = 0
  await fc.assert(
    fc.asyncProperty(quotas, calls, async (all, schedule) => {
      const { clock, send } = limited(all)
      for (const [cost, pause] of schedule) {
        const reply = await send(cost)
        if (reply.kind === 'refusal' && reply.status === 429) {
          denials += 1
          const retryAfter = Number(reply.headers['retry-after'])
          expect(Number.isInteger(retryAfter)).toBe(true)
          expect(retryAfter).toBeGreaterThanOrEqual(1)
          expect(Math.max(...timesOf(reply))).toBe(retryAfter)
          await clock.advance((retryAfter - 1) * 1_000)
          if (retryAfter > 1) expect((await send(cost)).status).toBe(429)
          await clock.advance(1_000)
          expect((await send(cost)).kind).toBe('answer')
        }
        await clock.advance(pause)
      }
    }),
    { numRuns: 150 },
  )
  expect(denials).toBeGreaterThan(100)
})

test('wait: a cost that never fits is told no time at which to come back', async () => {
  await fc.assert(
    fc.asyncProperty(quotas, fc.integer({ min: 401, max: 500 }), async (all, cost) => {
      const reply = await limited(all).send(cost)
      expect(reply).toMatchObject({ code: 'cost-exceeds-quota', status: 400 })
      expect(reply.headers).not.toHaveProperty('retry-after')
      expect(timesOf(reply)).toEqual([])
    }),
  )
})

/** What the second of two requests is told, where the first took all. */
const refusedAfter = async (options: Partial<RateLimitOptions>): Promise<number> => {
  const store = memoryRateLimitStore({ clock: new ManualClock() })
  const policy = rateLimit({
    store,
    quotas: [{ name: 'q', limit: 6, window: '1m', burst: 1, key: 'ip' }],
    ...options,
  })
  let reply: Reply = OK
  for (let times = 0; times < 2; times += 1) {
    reply = await policy.handle(literalExchange(), () => Promise.resolve(OK))
  }
  return Number(reply.headers['retry-after'])
}

test('wait: a spread makes those who were refused together come back apart, later than they must and never earlier', async () => {
  expect(await refusedAfter({})).toBe(10)
  const away = { consume: () => Promise.reject(new Error('away')), settle() {}, block() {} }
  for (const [options, least] of [
    [{}, 10],
    [{ store: away, onStoreDown: 'deny' }, 5],
  ] as const) {
    const told = await Promise.all(
      Array.from({ length: 300 }, () => refusedAfter({ ...options, retrySpread: '4s' })),
    )
    expect(Math.min(...told)).toBeGreaterThanOrEqual(least)
    expect(Math.max(...told)).toBeLessThanOrEqual(least + 4)
    expect(new Set(told).size).toBeGreaterThanOrEqual(4)
  }
  await expect(refusedAfter({ retrySpread: 0 })).rejects.toThrow(/rateLimit: retrySpread/)
  await expect(refusedAfter({ retrySpread: '2d' })).rejects.toThrow(/retrySpread must be at most a day/)
})
