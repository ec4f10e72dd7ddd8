import { describe, expect, test } from '@jest/globals'
import { createIdentity } from '../../src/auth/identity.js'
import type { Next, Policy } from '../../src/exchange.js'
import type { Answer, Reply } from '../../src/reply.js'
import { composeGate } from '../../src/gate.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import { refuse } from '../../src/refusal.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: { etag: '"1"' }, body: null }
const BURST: Quota = { name: 'burst', limit: 60, window: '1m', burst: 2, key: 'ip' }
const DAILY: Quota = { name: 'daily', limit: 1_000, window: '1d', key: 'ip' }
const identity = createIdentity({ scheme: 'jwt', subject: 'ann' })

function setUp(options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const policy = rateLimit({ store, quotas: [BURST, DAILY], ...options })
  let runs = 0
  const next: Next = () => {
    runs += 1
    return Promise.resolve(OK)
  }
  const send = (cost = 1, then: Next = next): Promise<Reply> =>
    policy.handle(literalExchange({ identity, operation: { cost } }), then)
  return { clock, store, policy, send, runs: () => runs }
}

const fail = () => Promise.reject(Object.assign(new Error('EVALSHA budget-of-ann'), { code: 'ECONNREFUSED' }))
const failing: BudgetStore = { consume: fail, settle: fail, block: fail }

describe('a request with room', () => {
  test('passes, and its answer says how the budgets stand', async () => {
    const { send } = setUp()
    expect(await send()).toEqual({
      ...OK,
      headers: {
        etag: '"1"',
        'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
        ratelimit: '"burst";r=1;t=1, "daily";r=99;t=87',
      },
    })
  })

  test('takes the cost of its operation; an operation that costs nothing takes nothing', async () => {
    const { send } = setUp()
    expect((await send(2)).headers['ratelimit']).toBe('"burst";r=0;t=1, "daily";r=98;t=87')
    expect((await send(0)).headers['ratelimit']).toBe('"burst";r=0;t=1, "daily";r=98;t=87')
  })

  test('a refusal from further in carries the fields too', async () => {
    const { send } = setUp()
    const reply = await send(1, () => Promise.resolve(refuse('idempotency-key-missing')))
    expect(reply).toMatchObject({ code: 'idempotency-key-missing', status: 400 })
    expect(reply.headers['ratelimit']).toBe('"burst";r=1;t=1, "daily";r=99;t=87')
  })

  test('an error on its way to Koa carries the fields too', async () => {
    const { send } = setUp()
    const error = Object.assign(new Error('broken'), { headers: { allow: 'GET' } })
    await expect(send(1, () => Promise.reject(error))).rejects.toBe(error)
    expect(error.headers).toEqual({
      allow: 'GET',
      'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
      ratelimit: '"burst";r=1;t=1, "daily";r=99;t=87',
    })
    const frozen = Object.freeze(new Error('shared'))
    await expect(send(1, () => Promise.reject(frozen))).rejects.toBe(frozen)
    for (const odd of [undefined, null, 'text', { headers: null }]) {
      await expect(send(0, () => Promise.reject(odd))).rejects.toBe(odd)
    }
  })

  test('the quotas of two limiters are one list, on answers and on errors', async () => {
    const outer = setUp({ quotas: [BURST] })
    const inner = setUp({ quotas: [DAILY] })
    const fields = {
      'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
      ratelimit: '"burst";r=1;t=1, "daily";r=99;t=87',
    }
    expect((await outer.send(1, () => inner.send())).headers).toEqual({ etag: '"1"', ...fields })
    const error: Error & { headers?: unknown } = new Error('broken')
    await outer.clock.advance(1_000)
    await inner.clock.advance(100_000)
    await expect(outer.send(1, () => inner.send(1, () => Promise.reject(error)))).rejects.toBe(error)
    expect(error.headers).toEqual(fields)
  })
})

describe('a request without room', () => {
  test('is refused with the quotas it would exceed and the time to come back, and runs nothing', async () => {
    const { send, runs } = setUp()
    await send(2)
    expect(await send(1)).toEqual({
      kind: 'refusal',
      code: 'quota-exceeded',
      status: 429,
      detail: "The quota 'burst' is exceeded.",
      headers: {
        'retry-after': '1',
        'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
        ratelimit: '"burst";r=0;t=1, "daily";r=98',
      },
      members: { 'violated-policies': ['burst'] },
    })
    expect(runs()).toBe(1)
  })

  test('takes from no quota, however often it comes', async () => {
    const { send, clock } = setUp()
    await send(2)
    for (let times = 0; times < 200; times += 1) await send(1)
    await clock.advance(1_000)
    expect((await send(1)).headers['ratelimit']).toBe('"burst";r=0;t=1, "daily";r=97;t=86')
  })

  test('passes when it comes back at the time it was told', async () => {
    const { send, clock } = setUp({ quotas: [{ ...BURST, limit: 7 }] })
    for (let rounds = 0; rounds < 20; rounds += 1) {
      let reply = await send(2)
      if (reply.kind === 'refusal') {
        await clock.advance(Number(reply.headers['retry-after']) * 1_000)
        reply = await send(2)
      }
      expect(reply.kind).toBe('answer')
      await clock.advance(137)
    }
  })

  test('that costs more than a burst can never pass and is not told to come back', async () => {
    const { send, runs } = setUp()
    expect(await send(3)).toEqual({
      kind: 'refusal',
      code: 'cost-exceeds-quota',
      status: 400,
      detail: 'The request costs 3; at most 2 can be taken at once.',
      headers: {
        'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
        ratelimit: '"burst";r=2, "daily";r=100',
      },
      members: { 'violated-policies': ['burst'] },
    })
    expect(runs()).toBe(0)
  })
})

describe('a store that can not decide', () => {
  test('refuses where the service says so, and says when to come back', async () => {
    const throwing = {
      ...failing,
      consume: () => {
        throw new Error('down')
      },
    }
    for (const store of [failing, throwing]) {
      const { send, runs } = setUp({ store, onStoreDown: 'deny' })
      const reply = await send()
      expect(reply).toMatchObject({ code: 'rate-limit-unavailable', status: 503 })
      expect(reply.headers).toEqual({
        'retry-after': '5',
        'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
      })
      expect(runs()).toBe(0)
    }
  })

  test('lets everybody pass where the service says so', async () => {
    const { send, runs } = setUp({ store: failing, onStoreDown: 'allow' })
    expect((await send()).headers).toEqual({
      etag: '"1"',
      'ratelimit-policy': '"burst";q=60;w=60, "daily";q=1000;w=86400',
    })
    expect(runs()).toBe(1)
  })

  test('an error of the handler is not taken for one of the store', async () => {
    const { send } = setUp({ onStoreDown: 'allow' })
    await expect(send(1, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  })
})

describe('headers: none', () => {
  test('leaves only Retry-After', async () => {
    const { send } = setUp({ headers: 'none' })
    expect((await send(2)).headers).toEqual({ etag: '"1"' })
    expect((await send(2)).headers).toEqual({ 'retry-after': '2' })
  })
})

describe('events', () => {
  test('name quotas and numbers, never whose budget it was', async () => {
    const { policy, store } = setUp()
    const exchange = literalExchange({ identity, address: '203.0.113.9', operation: { cost: 2 } })
    await policy.handle(exchange, () => Promise.resolve(OK))
    await policy.handle(exchange, () => Promise.resolve(OK))
    const costly = literalExchange({ identity, operation: { cost: 3 } })
    await policy.handle(costly, () => Promise.resolve(OK))
    const lost = literalExchange({ identity })
    await rateLimit({ store: failing, quotas: [BURST], onStoreDown: 'deny' }).handle(lost, () =>
      Promise.resolve(OK),
    )
    const events = [...exchange.events, ...costly.events, ...lost.events]
    expect(events).toEqual([
      { type: 'rate-limit.admitted', cost: 2, remaining: 0, degraded: false },
      {
        type: 'rate-limit.denied',
        cost: 2,
        violated: ['burst'],
        wait: 2_000,
        blocked: false,
        degraded: false,
      },
      { type: 'rate-limit.impossible', cost: 3, violated: ['burst'] },
      { type: 'rate-limit.store-failed', call: 'consume', reason: 'ECONNREFUSED' },
      { type: 'rate-limit.undecided', cost: 1, admitted: false },
    ])
    expect(store.size).toBe(2)
  })
})

describe('keys', () => {
  test('quotas side by side ask for their common key once, and have budgets of their own', async () => {
    let asked = 0
    const key: Quota['key'] = () => `caller ${(asked += 1)}`
    const { send, store } = setUp({
      quotas: [
        { ...BURST, key },
        { ...DAILY, key },
        { ...DAILY, name: 'ip' },
      ],
    })
    await send()
    expect(asked).toBe(1)
    expect(store.size).toBe(3)
  })
})

const limitBy = (key: Quota['key']): Policy =>
  rateLimit({
    store: memoryRateLimitStore(),
    quotas: [{ name: 'q', limit: 5, window: '1s', key: key ?? 'ip' }],
  })

describe('at start-up', () => {
  const authenticate: Policy = {
    name: 'authenticate',
    stage: 'authenticate',
    handle: (_exchange, next) => next(),
  }
  test('a limit by caller must stand behind authenticate, one by address may stand before it', () => {
    for (const key of ['identity', 'tenant'] as const) {
      expect(() => composeGate([limitBy(key), authenticate])).toThrow(/needs to know the caller/)
      expect(() => composeGate([authenticate, limitBy(key)])).not.toThrow()
    }
    for (const key of ['ip', 'route', 'global', () => 'x'] as const) {
      expect(() => composeGate([limitBy(key), authenticate])).not.toThrow()
    }
    const tiers = rateLimit({
      store: memoryRateLimitStore(),
      quotas: [{ name: 'q', limit: () => 5, window: '1s', key: 'ip' }],
    })
    expect(() => composeGate([tiers])).toThrow(/needs to know the caller/)
  })

  test.each<[string, object, RegExp]>([
    ['no store', { store: undefined }, /store is required/],
    ['no quotas', { quotas: undefined }, /quotas must be/],
    [
      'another version',
      { headers: 'standard' },
      /rateLimit: headers must be one of 'draft-11', 'legacy', 'both', 'none'/,
    ],
    ['another failure', { onStoreDown: 'open' }, /rateLimit: onStoreDown must be one of/],
    ['a prefix too short', { ipv6Prefix: 31 }, /rateLimit: ipv6Prefix/],
    ['a prefix too long', { ipv6Prefix: 65 }, /rateLimit: ipv6Prefix/],
    ['a typo', { quota: [] }, /rateLimit: unknown option 'quota'/],
  ])('%s is a TypeError', (_name, options, message) => {
    expect(() => setUp(options as Partial<RateLimitOptions>)).toThrow(TypeError)
    expect(() => setUp(options as Partial<RateLimitOptions>)).toThrow(message)
  })

  test('a cost that is no number of units is an error, not an open door', async () => {
    const { send } = setUp()
    for (const cost of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY]) {
      await expect(send(cost)).rejects.toThrow(/operation\.cost/)
    }
  })
})
