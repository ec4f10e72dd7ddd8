import { describe, expect, test } from '@jest/globals'
import { createIdentity } from '../../src/auth/identity.js'
import { hotDeny } from '../../src/rate-limit/hot-deny.js'
import { leased } from '../../src/rate-limit/leased.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import { checkQuotas, type Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable } from '../../src/stores/unavailable.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const DAY = 86_400_000
const PLAN = { name: 'plan', limit: 100, window: 'month', key: 'ip' } as const

const byScope: Quota['limit'] = (who) => (who?.scopes.includes('gold') ? 1_000 : 10)
const termsOf = (quota: Partial<Quota>) => checkQuotas([{ ...PLAN, ...quota }], 56)[0]?.fixedTerms

function setUp(quota: Partial<Quota> = {}, options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock(Date.UTC(2026, 10, 22, 12))
  const store = memoryRateLimitStore({ clock })
  const policy = rateLimit({ store, clock, quotas: [{ ...PLAN, ...quota }], ...options })
  const send = async (cost = 1, spent?: number) => {
    const exchange = literalExchange({ operation: { cost } })
    const reply = await policy.handle(exchange, () => {
      if (spent !== undefined) exchange.spent = spent
      return Promise.resolve(OK)
    })
    return { reply, exchange }
  }
  return { clock, store, policy, send }
}

describe('a quota of a month', () => {
  test('is a window, its limit all there at once, and anew on the first of the month', async () => {
    const { clock, send } = setUp()
    expect((await send(100)).reply.kind).toBe('answer')
    clock.step(Date.UTC(2026, 10, 30, 23, 59, 59, 999))
    expect((await send()).reply).toMatchObject({ code: 'quota-exceeded' })
    clock.step(Date.UTC(2026, 11))
    expect((await send(100)).reply.kind).toBe('answer')
  })

  test('says in its fields when the month ends, to the second, and not how long months are', async () => {
    const { clock, send } = setUp()
    const left = 8.5 * 86_400
    expect((await send(100)).reply.headers).toMatchObject({
      'ratelimit-policy': '"plan";q=100',
      ratelimit: `"plan";r=0;t=${left}`,
    })
    const { reply } = await send()
    expect(reply.headers).toMatchObject({ 'retry-after': String(left), ratelimit: `"plan";r=0;t=${left}` })
    await clock.advance(left * 1_000 - 1)
    expect((await send()).reply.headers).toMatchObject({ 'retry-after': '1' })
    await clock.advance(1)
    expect((await send()).reply.headers).toMatchObject({ ratelimit: `"plan";r=99;t=${31 * 86_400}` })
  })

  test('in the older fields its end is a moment', async () => {
    const { send } = setUp({}, { headers: 'legacy' })
    expect((await send()).reply.headers).toMatchObject({
      'x-ratelimit-limit': '100',
      'x-ratelimit-remaining': '99',
      'x-ratelimit-reset': String(Date.UTC(2026, 11) / 1_000),
    })
  })

  test('gives back what an operation did not cost, while it is the month that was charged', async () => {
    const { clock, send } = setUp()
    await send(60, 10)
    expect((await send(60, 60)).reply.headers).toMatchObject({ ratelimit: expect.stringContaining('r=30') })
    clock.step(Date.UTC(2026, 11, 24))
    expect((await send()).reply.headers).toMatchObject({ ratelimit: expect.stringContaining('r=99') })
  })

  test('has tiers: each plan is a budget of its own', async () => {
    const clock = new ManualClock()
    const policy = rateLimit({
      store: memoryRateLimitStore({ clock }),
      quotas: [{ name: 'plan', limit: byScope, window: 'month' }],
    })
    for (const [scopes, r] of [
      [[], 9],
      [['gold'], 999],
    ] as const) {
      const identity = createIdentity({ scheme: 'jwt', subject: 'ann', scopes })
      const reply = await policy.handle(literalExchange({ identity }), () => Promise.resolve(OK))
      expect(reply.headers['ratelimit']).toBe(`"plan";r=${r};t=${31 * 86_400}`)
    }
  })

  test('goes on when its limit is raised, with what was taken', async () => {
    const { clock, store, send } = setUp()
    await send(80)
    const raised = rateLimit({ store, clock, quotas: [{ ...PLAN, limit: 1_000 }] })
    const reply = await raised.handle(literalExchange(), () => Promise.resolve(OK))
    expect(reply.headers['ratelimit']).toContain('r=919;')
  })

  test('of a blocked caller is as it was when the block ends', async () => {
    const { clock, policy, send } = setUp()
    await send()
    await policy.block(literalExchange(), 'plan', 3_600_000)
    expect((await send()).reply.headers).toMatchObject({ 'retry-after': '3600' })
    await clock.advance(3_600_000)
    expect((await send()).reply.headers).toMatchObject({ ratelimit: expect.stringContaining('r=98') })
  })

  test('that is spent is refused from memory, and no longer than the month', async () => {
    const clock = new ManualClock(Date.UTC(2028, 1, 29, 23, 59, 59, 500))
    const memory = memoryRateLimitStore({ clock })
    let asked = 0
    const store: BudgetStore = {
      ...memory,
      async consume(charges, options) {
        asked += 1
        return memory.consume(charges, options)
      },
    }
    const { send } = setUp({}, { store: hotDeny(store, { clock }), clock })
    await send(100)
    for (let times = 0; times < 50; times += 1) {
      expect((await send()).reply.status).toBe(429)
      await clock.advance(9.99)
    }
    expect(asked).toBe(2)
    clock.step(Date.UTC(2028, 2))
    expect((await send()).reply.kind).toBe('answer')
  })

  test('in leases is used up to its limit in a month, but for what was taken ahead when it ended', async () => {
    const clock = new ManualClock(Date.UTC(2026, 11, 31, 23, 59))
    const store = memoryRateLimitStore({ clock })
    const processes = Array.from({ length: 3 }, () => leased(store, { clock, maxUnits: 50, ttl: 200 }))
    const charge = {
      quota: 'plan',
      key: 'k',
      algorithm: 'fixed-window',
      window: 'month',
      burst: 2_000,
    } as const
    const admitted: Record<string, number> = {}
    for (let tick = 0; tick < 3 * 8_000; tick += 1) {
      const decision = await processes[tick % 3]?.consume([{ ...charge, cost: 1 }])
      const year = new Date(clock.now()).getUTCFullYear()
      if (decision?.outcome === 'admitted') admitted[year] = (admitted[year] ?? 0) + 1
      if (tick % 3 === 2) await clock.advance(15)
    }
    expect(admitted['2026']).toBeLessThanOrEqual(2_000)
    expect(admitted['2026']).toBeGreaterThan(1_900)
    expect(admitted['2027']).toBeLessThanOrEqual(2_000 + 3 * 50)
    expect(admitted['2027']).toBeGreaterThan(1_900)
  })

  test('degraded: in an outage the shares give the limit at once, and no more than it in each month to come', async () => {
    const clock = new ManualClock(Date.UTC(2027, 0, 31))
    const store: BudgetStore = {
      consume: () => Promise.reject(new StoreUnavailable('not-ready')),
      settle: () => undefined,
      block: () => undefined,
    }
    const processes = Array.from({ length: 4 }, () => setUp({}, { store, clock, expectedProcesses: 4 }))
    let admitted = 0
    for (let day = 0; day < 90; day += 1) {
      for (const { send } of processes) {
        for (let times = 0; times < 30; times += 1) if ((await send()).reply.kind === 'answer') admitted += 1
      }
      await clock.advance(DAY)
    }
    expect(admitted).toBeLessThanOrEqual(100 + (100 * 90) / 31)
    expect(admitted).toBeGreaterThan(100 + (100 * 88) / 31 - 4)
  })
})

describe('windows of the calendar', () => {
  test.each([
    ['hour', ';w=3600', 11 * 3_600],
    ['day', ';w=86400', 11 * 3_600],
    ['week', ';w=604800', 11 * 3_600],
    ['month', '', 8.5 * 86_400 - 3_600],
  ] as const)('%s', async (window, length, left) => {
    const { clock, send } = setUp({ window })
    await clock.advance(3_600_000)
    const t = window === 'hour' ? 3_600 : left
    expect((await send()).reply.headers).toMatchObject({
      'ratelimit-policy': `"plan";q=100${length}`,
      ratelimit: `"plan";r=99;t=${t}`,
    })
  })

  test('an hour and a day are fixed windows of that length, under either name', () => {
    const algorithm = 'fixed-window'
    expect(termsOf({ window: 'hour' })).toEqual(termsOf({ window: '1h', algorithm }))
    expect(termsOf({ window: 'day', algorithm })).toEqual(termsOf({ window: '24h', algorithm }))
  })

  test.each<[string, object, RegExp]>([
    ['gcra', { algorithm: 'gcra' }, /quotas\[0\]\.algorithm must be 'fixed-window' for the window 'month'/],
    [
      'a sliding window',
      { algorithm: 'sliding-window', window: 'day' },
      /for the window 'day'; got 'sliding/,
    ],
    ['an algorithm that is none', { algorithm: 'calendar' }, /quotas\[0\]\.algorithm must be one of/],
    ['strict', { strict: true }, /quotas\[0\]: burst and strict belong to algorithm 'gcra'/],
    ['a burst', { burst: 10 }, /quotas\[0\]: burst and strict/],
    [
      'another word',
      { window: 'monthly' },
      /quotas\[0\]\.window must be one of 'hour', 'day', 'week', 'month'/,
    ],
    ['a word of another case', { window: 'Month' }, /quotas\[0\]\.window must be one of/],
    ['several months', { window: '3 months' }, /quotas\[0\]\.window must be a positive duration/],
    ['a name that objects have', { window: 'constructor' }, /quotas\[0\]\.window must be one of/],
    ['too large a limit', { limit: 1e15 }, /quotas\[0\]\.window is too long/],
    ['a cost above the limit', { cost: 101 }, /quotas\[0\]\.cost must be at most the burst/],
  ])('are refused at start-up with %s', (_name, quota, message) => {
    const make = (): unknown => checkQuotas([{ ...PLAN, ...quota }], 56)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })
})
