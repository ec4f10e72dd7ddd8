import { describe, expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { leased, type LeaseOptions } from '../../src/rate-limit/leased.js'
import type { BudgetStore, RateLimitCharge } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable } from '../../src/stores/unavailable.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

/** A thousand a second, 400 at once. */
function charge(init: { key?: string; cost?: number; burst?: number } = {}): RateLimitCharge {
  return { quota: 'q', key: 'ann', interval: 1_000, burst: 400, cost: 1, ...init }
}

/** Processes that share a store which answers a turn of the event loop later. */
function fleet(processes: number, options: LeaseOptions = {}) {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  let calls = 0
  let isAway = false
  const store: BudgetStore = {
    consume: async (charges, asked) => {
      calls += 1
      await turn()
      if (isAway) throw new StoreUnavailable('not-ready')
      return memory.consume(charges, asked)
    },
    settle: (receipt, costs) => memory.settle(receipt, costs),
    block: (key, duration) => memory.block(key, duration),
  }
  const nodes = Array.from({ length: processes }, () => leased(store, { clock, ...options }))
  const left = async () => (await memory.consume([charge({ cost: 0 })])).quotas[0]?.remaining
  return {
    clock,
    store,
    nodes,
    calls: () => calls,
    left,
    setAway: (now: boolean) => void (isAway = now),
    consume: async (node: number, one = charge()) => nodes[node]?.consume([one]),
  }
}

describe('a caller who asks often', () => {
  test('is served without a round trip for most requests', async () => {
    const { consume, calls } = fleet(1)
    for (let times = 0; times < 390; times += 1) {
      expect((await consume(0))?.outcome).toBe('admitted')
    }
    expect(calls()).toBeLessThan(20)
  })

  test('a caller who asks now and then goes to the store, and takes no more than it asks for', async () => {
    const { consume, calls, clock, left } = fleet(1)
    for (let times = 0; times < 5; times += 1) {
      await consume(0)
      await clock.advance(1_000)
    }
    expect(calls()).toBe(5)
    expect(await left()).toBe(400)
  })

  test('requests at once wait for one refill, not for one each', async () => {
    const { nodes, calls } = fleet(1)
    const all = await Promise.all(Array.from({ length: 100 }, async () => nodes[0]?.consume([charge()])))
    expect(all.every((decision) => decision?.outcome === 'admitted')).toBe(true)
    expect(calls()).toBeLessThan(12)
  })
})

describe('units taken ahead', () => {
  test('lease: nothing is stranded: what is not used in time goes back', async () => {
    const { consume, clock, left } = fleet(1)
    for (let times = 0; times < 100; times += 1) await consume(0)
    const before = await left()
    expect(before).toBeLessThan(300)
    await clock.advance(400)
    await turn()
    expect(await left()).toBe(400)
    await clock.advance(1_000)
    expect(clock.pending).toBe(0)
  })

  test('go back when a process ends', async () => {
    const { consume, nodes, left } = fleet(1)
    for (let times = 0; times < 100; times += 1) await consume(0)
    await nodes[0]?.giveBack()
    expect(await left()).toBe(300)
  })

  test('lease: a crash loses at most one lease of a caller, and time gives it back', async () => {
    const { clock, store, left } = fleet(0)
    // The timers of this process never run: it is gone.
    const crashed = leased(store, { clock: new ManualClock(), most: 20 })
    for (let times = 0; times < 90; times += 1) await crashed.consume([charge()])
    const lost = 400 - 90 - ((await left()) ?? 0)
    expect(lost).toBeGreaterThan(0)
    expect(lost).toBeLessThanOrEqual(20)
    await clock.advance(90 + lost)
    expect(await left()).toBe(400)
  })

  test('are not used after their time', async () => {
    const { consume, clock, calls } = fleet(1, { ttl: 100 })
    for (let times = 0; times < 20; times += 1) await consume(0)
    const before = calls()
    clock.step(clock.now() + 100)
    await consume(0)
    expect(calls()).toBeGreaterThan(before)
  })

  test('a store that is slower than a lease lives is asked once for each request', async () => {
    const { clock, nodes, left } = fleet(1, { ttl: 100 })
    const slow: Promise<unknown>[] = []
    for (let times = 0; times < 3; times += 1) slow.push(Promise.resolve(nodes[0]?.consume([charge()])))
    clock.step(clock.now() + 150)
    await Promise.all(slow)
    expect(await left()).toBeGreaterThan(390)
  })

  test('a budget that was used up is leased again when there is more', async () => {
    const { consume, clock, calls } = fleet(1)
    for (let times = 0; times < 420; times += 1) await consume(0)
    expect((await consume(0))?.outcome).toBe('denied')
    await clock.advance(150)
    await clock.advance(250)
    const before = calls()
    for (let times = 0; times < 200; times += 1) await consume(0)
    expect(calls() - before).toBeLessThan(20)
  })

  test('a request that is settled later, and charges of unequal costs, go to the store', async () => {
    const { nodes, calls } = fleet(1)
    for (let times = 1; times <= 20; times += 1) {
      await nodes[0]?.consume([charge({ cost: 2 })], { reserve: 1_000 })
      await nodes[0]?.consume([charge(), charge({ key: 'bob', cost: 2 })])
      expect(calls()).toBe(times * 2)
    }
  })

  test('what a store in trouble does not grant is an error for those who asked, and nothing is left behind', async () => {
    const { consume, setAway, nodes } = fleet(1)
    for (let times = 0; times < 3; times += 1) await consume(0)
    setAway(true)
    const asked = Array.from({ length: 60 }, async () => nodes[0]?.consume([charge()]))
    const settled = await Promise.allSettled(asked)
    expect(settled.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(50)
    setAway(false)
    expect((await consume(0))?.outcome).toBe('admitted')
  })
})

describe('all processes together', () => {
  test('lease: admit the budget exactly when they all press at once', async () => {
    const { nodes } = fleet(4)
    const all = await Promise.all(
      Array.from({ length: 900 }, async (_, index) => nodes[index % 4]?.consume([charge()])),
    )
    expect(all.filter((decision) => decision?.outcome === 'admitted').length).toBeLessThanOrEqual(400)
    await Promise.all(nodes.map((node) => node.giveBack()))
    const rest = await Promise.all(
      Array.from({ length: 400 }, async (_, index) => nodes[index % 4]?.consume([charge()])),
    )
    const admitted = [...all, ...rest].filter((decision) => decision?.outcome === 'admitted').length
    expect(admitted).toBe(400)
  })

  test('lease: admit no more than the envelope, on any schedule', async () => {
    const step = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 }), fc.nat(60))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120 }), async (steps) => {
        const { consume, clock } = fleet(4, { ttl: 100 })
        const admissions: { readonly at: number; readonly cost: number }[] = []
        for (const [node, cost, pause] of steps) {
          const one: RateLimitCharge = { quota: 'q', key: 'ann', interval: 20_000, burst: 30, cost }
          if ((await consume(node, one))?.outcome === 'admitted') admissions.push({ at: clock.now(), cost })
          await clock.advance(pause)
        }
        for (const [first, { at: start }] of admissions.entries()) {
          let sum = 0
          for (const { at, cost } of admissions.slice(first)) {
            sum += cost
            expect(sum).toBeLessThanOrEqual(30 + (at - start + 100) / 20)
          }
        }
      }),
      { numRuns: 15 },
    )
  })
})

test.each<[string, object, RegExp]>([
  ['a typo', { mots: 5 }, /leased: unknown option/],
  ['leases of one', { most: 1 }, /leased: most/],
  ['no time', { ttl: 0 }, /leased: ttl/],
])('%s is a TypeError', (_name, options, message) => {
  expect(() => fleet(1, options)).toThrow(message)
})
