import { describe, expect, test } from '@jest/globals'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const QUOTA: Quota = { name: 'q', limit: 10, window: '1s', burst: 8, key: 'ip' }

function setUp(faulty: Partial<BudgetStore> = {}) {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  const reserved: (number | undefined)[] = []
  const store: BudgetStore = {
    consume: (charges, options) => {
      reserved.push(options?.reserve)
      return memory.consume(charges, options)
    },
    settle: (receipt, costs) => memory.settle(receipt, costs),
    block: (key, duration) => memory.block(key, duration),
    ...faulty,
  }
  const policy = rateLimit({ store, clock, quotas: [QUOTA] })
  const send = async (cost: number, spent?: number) => {
    const exchange = literalExchange({ operation: { cost } })
    const reply = await policy.handle(exchange, () => {
      if (spent !== undefined) exchange.spent = spent
      return Promise.resolve(OK)
    })
    await new Promise((resolve) => setImmediate(resolve))
    return { left: /r=(\d+)/.exec(String(reply.headers['ratelimit']))?.[1], reply, events: exchange.events }
  }
  return { clock, policy, send, reserved }
}

describe('an operation that cost less than it was charged', () => {
  test('gives the difference back, and tells observers', async () => {
    const { send } = setUp()
    const first = await send(5, 2)
    expect(first.left).toBe('3')
    expect(first.events).toContainEqual({ type: 'rate-limit.settled', cost: 5, spent: 2 })
    expect((await send(1)).left).toBe('5')
  })

  test('gives nothing back that time has given back already', async () => {
    const { send, clock, policy } = setUp()
    const exchange = literalExchange({ operation: { cost: 8 } })
    await policy.handle(exchange, async () => {
      await clock.advance(10_000)
      expect((await send(8)).left).toBe('0')
      exchange.spent = 1
      return OK
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect((await send(1)).reply.kind).toBe('refusal')
  })

  test('pays in full when it says nothing, when it throws, and when it says nonsense', async () => {
    const { send, clock } = setUp()
    expect((await send(2)).left).toBe('6')
    for (const nonsense of [-1, 0.5, Number.NaN]) {
      await send(2, nonsense)
    }
    expect((await send(0)).left).toBe('0')
    await clock.advance(10_000)
    expect((await send(0)).left).toBe('8')
  })
})

test('an operation that costs more than it was charged pays as far as the budget goes', async () => {
  const { send } = setUp()
  await send(2, 6)
  expect((await send(0)).left).toBe('2')
  await send(2, 100)
  expect((await send(0)).left).toBe('0')
})

const away = (): Promise<never> => Promise.reject(new Error('away'))

/** How many requests of one unit pass before the shadow quota reports one. */
async function unitsLeft(quotas: readonly Quota[], cost: number, spent: number): Promise<number> {
  const clock = new ManualClock()
  const policy = rateLimit({ store: memoryRateLimitStore({ clock }), clock, quotas })
  const send = async (units: number, settled?: number) => {
    const exchange = literalExchange({ operation: { cost: units } })
    await policy.handle(exchange, () => {
      if (settled !== undefined) exchange.spent = settled
      return Promise.resolve(OK)
    })
    await new Promise((resolve) => setImmediate(resolve))
    return exchange.events.some(({ type }) => type === 'rate-limit.shadow-denied')
  }
  await send(cost, spent)
  let units = 0
  while (!(await send(1))) units += 1
  return units
}

describe('a quota in shadow mode', () => {
  const shadow: Quota = { name: 'shadow', limit: 10, window: '1h', burst: 8, key: 'ip', shadow: true }
  const wide: Quota = { ...QUOTA, limit: 1_000, burst: 500 }

  test('is settled like the others: what it reports is what it would have refused', async () => {
    expect(await unitsLeft([shadow, wide], 5, 2)).toBe(6)
    expect(await unitsLeft([shadow, wide], 5, 5)).toBe(3)
  })

  test('is settled where it stands alone', async () => {
    expect(await unitsLeft([shadow], 5, 1)).toBe(7)
  })

  test('that can not be settled leaves the request as it is', async () => {
    const clock = new ManualClock()
    const memory = memoryRateLimitStore({ clock })
    const policy = rateLimit({ store: { ...memory, settle: away }, clock, quotas: [shadow] })
    const exchange = literalExchange({ operation: { cost: 5 } })
    const reply = await policy.handle(exchange, () => {
      exchange.spent = 1
      return Promise.resolve(OK)
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(reply).toEqual(OK)
    expect(exchange.events).toEqual([{ type: 'rate-limit.store-failed', call: 'shadow', reason: 'Error' }])
  })
})

test('a cost of 1 is final and pays for no reservation', async () => {
  const { send, reserved } = setUp()
  await send(1)
  await send(2)
  expect(reserved).toEqual([undefined, 60_000])
})

test('nobody waits for a settlement, and its failure is only told', async () => {
  const hangs = setUp({ settle: () => new Promise(() => undefined) })
  expect((await hangs.send(5, 1)).reply.kind).toBe('answer')
  const fails = setUp({ settle: () => Promise.reject(new Error('receipt of ann')) })
  const { reply, events } = await fails.send(5, 1)
  expect(reply.kind).toBe('answer')
  expect(events).toContainEqual({ type: 'rate-limit.store-failed', call: 'settle', reason: 'Error' })
})

describe('block', () => {
  test('refuses whoever takes from the same budget, until it is over or lifted', async () => {
    const { policy, send, clock } = setUp()
    await policy.block(literalExchange(), 'q', 60_000)
    expect((await send(1)).reply).toMatchObject({ code: 'caller-blocked', headers: { 'retry-after': '60' } })
    await clock.advance(60_000)
    expect((await send(1)).reply.kind).toBe('answer')
    await policy.block(literalExchange(), 'q', 60_000)
    await policy.block(literalExchange(), 'q', 0)
    expect((await send(1)).reply.kind).toBe('answer')
  })

  test('holds for every quota of the same key, in every limiter on the store, and for no other key', async () => {
    const clock = new ManualClock()
    const store = memoryRateLimitStore({ clock })
    const one = rateLimit({ store, clock, quotas: [QUOTA] })
    const other = rateLimit({ store, clock, quotas: [{ ...QUOTA, name: 'other' }] })
    const everybody = rateLimit({ store, clock, quotas: [{ ...QUOTA, name: 'all', key: 'global' }] })
    await one.block(literalExchange(), 'q', 60_000)
    const send = async (policy: typeof one, address?: string) => {
      const exchange = literalExchange(address === undefined ? {} : { address })
      return (await policy.handle(exchange, () => Promise.resolve(OK))).kind
    }
    expect(await send(other)).toBe('refusal')
    expect(await send(other, '198.51.100.7')).toBe('answer')
    expect(await send(everybody)).toBe('answer')
  })

  test('of a quota that is not there is an error', async () => {
    await expect(setUp().policy.block(literalExchange(), 'other', 1)).rejects.toThrow(/no quota is named/)
    await expect(setUp().policy.block(literalExchange(), 'q', -1)).rejects.toThrow(/duration/)
  })
})
