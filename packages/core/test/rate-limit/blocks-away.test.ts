import { describe, expect, test } from '@jest/globals'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable } from '../../src/stores/unavailable.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const MINUTE = 60_000

/** A process that blocks, another one, and their store, which can be cut off. */
function setUp(options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const central = memoryRateLimitStore({ clock })
  const blocked: (readonly [string, number])[] = []
  let isAway = false
  let failing: unknown
  const store: BudgetStore = {
    consume: (charges, asked) =>
      isAway ? Promise.reject(new StoreUnavailable('not-ready')) : central.consume(charges, asked),
    settle: (receipt, costs) => central.settle(receipt, costs),
    async block(key, duration) {
      if (isAway) throw new StoreUnavailable('deadline')
      if (failing !== undefined) throw failing
      blocked.push([key, duration])
      await central.block(key, duration)
    },
  }
  const quotas: Quota[] = [{ name: 'q', limit: 1_000, window: '1s', burst: 800, key: 'ip' }]
  const process = () => {
    const policy = rateLimit({ store, clock, quotas, ...options })
    return {
      send: async (address = '203.0.113.7', cost = 1) => {
        const exchange = literalExchange({ address, operation: { cost } })
        const reply = await policy.handle(exchange, () => Promise.resolve(OK))
        return { reply, events: exchange.events, isAdmitted: reply.kind === 'answer' }
      },
      block: (duration: number, address = '203.0.113.7') => {
        const exchange = literalExchange({ address })
        return policy.block(exchange, 'q', duration).then((reach) => ({ reach, events: exchange.events }))
      },
    }
  }
  return {
    clock,
    one: process(),
    other: process(),
    blocked,
    cut: () => void (isAway = true),
    mend: () => void (isAway = false),
    fail: (error?: unknown) => void (failing = error),
  }
}

describe('a block that was set before the store went away', () => {
  test.each(['local', 'allow', 'deny'] as const)(
    'holds in the process that set it, for its time, with onStoreDown: %s',
    async (onStoreDown) => {
      const { clock, one, cut } = setUp({ onStoreDown })
      expect(await one.block(MINUTE)).toEqual({ reach: 'everywhere', events: [] })
      cut()
      await clock.advance(MINUTE - 2_000)
      const { reply, events } = await one.send()
      expect(reply).toMatchObject({ code: 'caller-blocked', status: 429, headers: { 'retry-after': '2' } })
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'rate-limit.denied', wait: 2_000, blocked: true, degraded: true }),
      )
      const neighbour = await one.send('198.51.100.9')
      expect(neighbour.isAdmitted).toBe(onStoreDown !== 'deny')
      await clock.advance(2_000)
      expect((await one.send()).isAdmitted).toBe(onStoreDown !== 'deny')
    },
  )

  test('holds for a cost that no share can hold, too', async () => {
    const { one, cut } = setUp()
    await one.block(MINUTE)
    cut()
    expect((await one.send('203.0.113.7', 500)).reply).toMatchObject({ code: 'caller-blocked' })
    expect((await one.send('198.51.100.9', 500)).reply).toMatchObject({ code: 'rate-limit-unavailable' })
  })

  test('is lifted by one of no time, also while the store is away', async () => {
    const { one, cut } = setUp()
    await one.block(MINUTE)
    await one.block(0)
    cut()
    expect((await one.send()).isAdmitted).toBe(true)
    await one.block(MINUTE)
    expect((await one.send()).isAdmitted).toBe(false)
    await one.block(0)
    expect((await one.send()).isAdmitted).toBe(true)
  })

  test('is not known to a process that did not set it', async () => {
    const { one, other, cut } = setUp()
    await one.block(MINUTE)
    expect((await other.send()).isAdmitted).toBe(false)
    cut()
    expect((await other.send()).isAdmitted).toBe(true)
  })
})

describe('a block that is set while the store is away', () => {
  test('holds here at once, says so, and everywhere when the store is back, for what is left of it', async () => {
    const { clock, one, other, blocked, cut, mend } = setUp()
    cut()
    expect(await one.block(MINUTE)).toEqual({
      reach: 'here',
      events: [{ type: 'rate-limit.store-failed', call: 'block', reason: 'deadline' }],
    })
    expect((await one.send()).isAdmitted).toBe(false)
    expect((await other.send()).isAdmitted).toBe(true)
    await clock.advance(20_000)
    mend()
    // Whoever asks: the blocked one may be asking other processes by now.
    await one.send('198.51.100.9')
    expect(blocked).toEqual([[expect.any(String), 40_000]])
    expect((await other.send()).isAdmitted).toBe(false)
    await one.send('198.51.100.9')
    expect(blocked).toHaveLength(1)
    await clock.advance(40_000)
    expect((await other.send()).isAdmitted).toBe(true)
  })

  test('is not set any more when it is over, and lifts nothing then', async () => {
    const { clock, one, other, blocked, cut, mend } = setUp()
    cut()
    await one.block(MINUTE)
    await clock.advance(MINUTE)
    mend()
    await other.block(MINUTE)
    await one.send('198.51.100.9')
    expect(blocked).toEqual([[expect.any(String), MINUTE]])
    expect((await one.send()).isAdmitted).toBe(false)
  })

  test('is what was said last: a lift is given to the store as well', async () => {
    const { one, other, blocked, cut, mend } = setUp()
    await one.block(MINUTE)
    cut()
    await one.block(2 * MINUTE)
    await one.block(0)
    mend()
    await one.send('198.51.100.9')
    expect(blocked.map(([, duration]) => duration)).toEqual([MINUTE, 0])
    expect((await other.send()).isAdmitted).toBe(true)
  })

  test('does not come back after another was set, whichever answer came first', async () => {
    const { one, other, blocked, cut, mend } = setUp()
    cut()
    const failing = one.block(MINUTE)
    mend()
    expect((await one.block(0)).reach).toBe('everywhere')
    await expect(failing).rejects.toMatchObject({ code: 'store-unavailable' })
    await one.send('198.51.100.9')
    expect(blocked.map(([, duration]) => duration)).toEqual([0])
    expect((await other.send()).isAdmitted).toBe(true)
  })

  test('that the store does not take later either is told, and tried again after a while', async () => {
    const { clock, one, blocked, cut, mend, fail } = setUp()
    cut()
    await one.block(MINUTE, '192.0.2.1')
    await one.block(MINUTE, '192.0.2.2')
    mend()
    fail(new StoreUnavailable('error', 'OOM'))
    const { events } = await one.send('198.51.100.9')
    await Promise.resolve()
    expect(events).toContainEqual({ type: 'rate-limit.store-failed', call: 'block', reason: 'error' })
    fail()
    await one.send('198.51.100.9')
    expect(blocked).toEqual([])
    await clock.advance(1_000)
    await one.send('198.51.100.9')
    await new Promise((resolve) => setImmediate(resolve))
    expect(blocked.map(([, duration]) => duration)).toEqual([59_000, 59_000])
  })

  test('is refused where it can not wait: for another reason, or without room', async () => {
    const { one, cut, fail } = setUp()
    fail(new RangeError('no room for another block'))
    await expect(one.block(MINUTE)).rejects.toThrow('no room')
    fail()
    cut()
    for (let caller = 0; caller < 10_000; caller += 1)
      await one.block(MINUTE, `10.0.${caller >> 8}.${caller & 255}`)
    await expect(one.block(MINUTE, '10.1.0.0')).rejects.toMatchObject({ code: 'store-unavailable' })
    // It holds here all the same.
    expect((await one.send('10.1.0.0')).isAdmitted).toBe(false)
  })
})
