import { describe, expect, test } from '@jest/globals'
import type { Next } from '../../src/exchange.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer, Reply } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: { etag: '"1"' }, body: null }
const BURST: Quota = { name: 'burst', limit: 60, window: '1m', burst: 2, key: 'ip' }
const DAILY: Quota = { name: 'daily', limit: 1_000, window: '1d', key: 'ip' }
const fail = () => Promise.reject(new Error('away'))
const failing: BudgetStore = { consume: fail, settle: fail, block: fail }

function setUp(options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const policy = rateLimit({ store, clock, quotas: [BURST, DAILY], ...options })
  const send = (cost = 1, then: Next = () => Promise.resolve(OK)): Promise<Reply> =>
    policy.handle(literalExchange({ operation: { cost } }), then)
  return { clock, send }
}

describe('the older header fields', () => {
  test('tell of the tightest quota, and when more is there in seconds since the epoch', async () => {
    const { send, clock } = setUp({ headers: 'legacy' })
    const now = clock.now() / 1_000
    expect((await send()).headers).toEqual({
      etag: '"1"',
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '1',
      'x-ratelimit-reset': String(now + 1),
    })
    await send()
    const denied = await send(2)
    expect(denied.headers).toEqual({
      'retry-after': '2',
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(now + 2),
    })
  })

  test('of two limiters are those of the tighter one; with both, the new ones are joined', async () => {
    const outer = setUp({ quotas: [DAILY], headers: 'both' })
    const inner = setUp({ quotas: [BURST], headers: 'both' })
    expect((await outer.send(1, () => inner.send())).headers).toMatchObject({
      'ratelimit-policy': '"daily";q=1000;w=86400, "burst";q=60;w=60',
      ratelimit: '"daily";r=99;t=87, "burst";r=1;t=1',
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '1',
    })
    expect((await inner.send(1, () => outer.send())).headers).toMatchObject({
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '0',
    })
  })

  test('are not there while nobody knows how the budgets stand', async () => {
    const { send } = setUp({ store: failing, onStoreDown: 'allow', headers: 'legacy' })
    expect((await send()).headers).toEqual({ etag: '"1"' })
  })
})
