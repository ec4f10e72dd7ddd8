import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { hotDeny, type HotDenyOptions } from '../../src/rate-limit/hot-deny.js'
import type { BudgetStore, RateLimitCharge, RateLimitReceipt } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const SECOND = 1_000_000

function setUp(options: HotDenyOptions = {}, latency = 0) {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  let calls = 0
  const store: BudgetStore = {
    consume: async (charges, asked) => {
      calls += 1
      const decision = memory.consume(charges, asked)
      if (latency > 0) await clock.advance(latency)
      return decision
    },
    settle: (receipt, costs) => memory.settle(receipt, costs),
    block: (key, duration) => memory.block(key, duration),
  }
  return { clock, memory, store: hotDeny(store, { clock, ...options }), calls: () => calls }
}

/** Two at once, one more each second. */
function charge(init: { key?: string; cost?: number; interval?: number } = {}): RateLimitCharge {
  return { quota: 'q', key: 'ann', interval: SECOND, burst: 2, cost: 1, ...init }
}

describe('a denial', () => {
  test('is repeated without the store, as much later as it is by then', async () => {
    const { store, clock, calls } = setUp()
    await store.consume([charge({ cost: 2 })])
    const first = await store.consume([charge()])
    await clock.advance(400)
    const second = await store.consume([charge()])
    expect(first).toMatchObject({ outcome: 'denied', wait: SECOND })
    expect(second).toEqual({
      isRemembered: true,
      outcome: 'denied',
      wait: 600_000,
      quotas: [{ remaining: 0, renewal: 600_000, wait: 600_000 }],
    })
    expect(calls()).toBe(2)
  })

  test('ends when the store said it would, and not a moment later', async () => {
    const { store, clock } = setUp()
    await store.consume([charge({ cost: 2 })])
    await store.consume([charge()])
    await clock.advance(999)
    expect((await store.consume([charge()])).outcome).toBe('denied')
    await clock.advance(1)
    expect((await store.consume([charge()])).outcome).toBe('admitted')
  })

  test('does not outlast the store, however slow its answers are', async () => {
    const { store, clock } = setUp({}, 300)
    await store.consume([charge({ cost: 2 })])
    // 300 ms later. The store decides at once and answers 300 ms after that.
    await store.consume([charge()])
    await clock.advance(400)
    expect((await store.consume([charge()])).outcome).toBe('admitted')
  })

  test('tells nobody to come back too early, however late the store was asked', async () => {
    const { store, clock, memory } = setUp()
    const late = hotDeny(
      {
        ...memory,
        consume: async (charges) => {
          await clock.advance(300)
          return memory.consume(charges)
        },
      },
      { clock },
    )
    await store.consume([charge({ cost: 2 })])
    expect(await late.consume([charge({ cost: 2 })])).toMatchObject({ outcome: 'denied', wait: 1_700_000 })
    await clock.advance(400)
    expect(await late.consume([charge({ cost: 2 })])).toMatchObject({ outcome: 'denied', wait: 1_300_000 })
  })

  test('is looked at again after the longest time, so that a lifted block is seen', async () => {
    const { store, clock } = setUp({ ttl: 500 })
    await store.block('ann', 60_000)
    expect((await store.consume([charge()])).outcome).toBe('denied')
    await store.block('ann', 0)
    expect((await store.consume([charge()])).outcome).toBe('denied')
    await clock.advance(500)
    expect((await store.consume([charge()])).outcome).toBe('admitted')
  })

  test('says nothing about another cost, another key or another rate', async () => {
    const { store } = setUp()
    await store.consume([charge()])
    expect((await store.consume([charge({ cost: 2 })])).outcome).toBe('denied')
    expect((await store.consume([charge()])).outcome).toBe('admitted')
    expect((await store.consume([charge({ key: 'bob', cost: 2 })])).outcome).toBe('admitted')
  })

  test('hot-deny: on any schedule nobody is admitted whom the store denies, nor denied whom it admits', async () => {
    const step = fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 3 }), fc.nat(1_400))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { store, clock } = setUp()
        const plain = memoryRateLimitStore({ clock })
        for (const [key, cost, pause] of steps) {
          const charges = [{ ...charge({ key, cost }), burst: 3 }]
          const [hot, cold] = [await store.consume(charges), plain.consume(charges)]
          expect(hot.outcome).toBe((await cold).outcome)
          await clock.advance(pause)
        }
      }),
      { numRuns: 60 },
    )
  })
})

test('hot-deny: refunds, blocks and lifted blocks go unnoticed for the longest time at most, and nobody is admitted for it', async () => {
  const step = fc.record({
    do: fc.constantFrom('consume' as const, 'consume' as const, 'settle' as const, 'block' as const),
    cost: fc.integer({ min: 1, max: 4 }),
    duration: fc.constantFrom(0, 400, 2_500),
    pause: fc.nat(600),
  })
  const longest = 700
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 100, size: 'max' }), async (steps) => {
      const { store, memory, clock } = setUp({ ttl: longest })
      const receipts: RateLimitReceipt[] = []
      /** When the store itself denied a cost last. */
      const denied = new Map<number, number>()
      for (const { do: what, cost, duration, pause } of steps) {
        const one = { ...charge({ cost }), burst: 4 }
        if (what === 'block') await store.block('ann', duration)
        else if (what === 'settle') {
          const receipt = receipts.pop()
          if (receipt !== undefined) await store.settle(receipt, [0])
        } else {
          const [state] = (await memory.consume([{ ...one, cost: 0 }])).quotas
          const fits = state !== undefined && state.remaining >= cost
          if (!fits) denied.set(cost, clock.now())
          const decision = await store.consume([one], { reserve: 60_000 })
          if (decision.outcome === 'admitted' && decision.receipt !== undefined)
            receipts.push(decision.receipt)
          if (!fits) expect(decision.outcome).toBe('denied')
          else if (decision.outcome === 'denied') {
            expect(clock.now() - (denied.get(cost) ?? Number.NEGATIVE_INFINITY)).toBeLessThan(longest)
          }
        }
        await clock.advance(pause)
      }
    }),
    { numRuns: 150 },
  )
})

test('memory: a flood of new keys does not push out who is denied again and again', async () => {
  const { store, calls } = setUp({ maxEntries: 20 })
  const refused = [charge()]
  await store.consume([charge({ cost: 2 })])
  for (let times = 0; times < 3; times += 1) await store.consume(refused)
  for (let index = 0; index < 200; index += 1) {
    const key = `flood-${index}`
    await store.consume([charge({ key, cost: 2 })])
    await store.consume([charge({ key })])
  }
  const before = calls()
  expect((await store.consume(refused)).outcome).toBe('denied')
  expect(calls()).toBe(before)
})

test('who is blocked hears so again, from memory', async () => {
  const { store, clock, memory, calls } = setUp()
  await memory.block('ann', 2_000)
  const one = charge({ key: 'ann' })
  const first = await store.consume([one])
  const before = calls()
  await clock.advance(500)
  expect(first).toMatchObject({ outcome: 'denied', isBlocked: true, wait: 2_000_000 })
  expect(await store.consume([one])).toMatchObject({ outcome: 'denied', isBlocked: true, wait: 1_500_000 })
  expect(calls()).toBe(before)
})

test('what the store says of itself is said', () => {
  const said = hotDeny({ ...memoryRateLimitStore(), usedWithin: 200, decidesWithin: 50 })
  expect(said).toMatchObject({ usedWithin: 200, decidesWithin: 50 })
})

test('the other methods of the store are the store’s', async () => {
  const { store, memory } = setUp()
  const decision = await store.consume([charge({ cost: 2 })], { reserve: 1_000 })
  if (decision.outcome !== 'admitted' || decision.receipt === undefined) throw new Error('no receipt')
  await store.settle(decision.receipt, [1])
  expect((await memory.consume([charge({ cost: 0 })])).quotas[0]?.remaining).toBe(1)
})

test.each<[string, object, RegExp]>([
  ['a typo', { longst: 1 }, /hotDeny: unknown option/],
  ['no time', { ttl: 0 }, /hotDeny: ttl/],
  ['no room', { maxEntries: 1 }, /hotDeny: maxEntries/],
])('%s is a TypeError', (_name, options, message) => {
  expect(() => setUp(options)).toThrow(message)
})
