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
  let settles = 0
  const replaced: unknown[] = []
  const store: BudgetStore = {
    consume: async (charges, asked) => {
      calls += 1
      if (asked?.reserve !== undefined) replaced.push(asked.replaces?.id)
      await turn()
      if (isAway) throw new StoreUnavailable('not-ready')
      return memory.consume(charges, asked)
    },
    settle: (receipt, costs) => {
      settles += 1
      return memory.settle(receipt, costs)
    },
    block: (key, duration) => memory.block(key, duration),
  }
  const nodes = Array.from({ length: processes }, () => leased(store, { clock, ...options }))
  const left = async () => (await memory.consume([charge({ cost: 0 })])).quotas[0]?.remaining
  return {
    clock,
    store,
    nodes,
    calls: () => calls,
    replaced,
    settled: () => settles,
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

  test('does not wait: the next units are asked for before the last are used up', async () => {
    const { nodes, consume, settled } = fleet(1)
    for (let times = 0; times < 150; times += 1) await consume(0)
    let waits = 0
    for (let times = 0; times < 200; times += 1) {
      const decision = nodes[0]?.consume([charge()])
      if (decision instanceof Promise) waits += 1
      expect((await decision)?.outcome).toBe('admitted')
      await turn()
    }
    expect(waits).toBe(0)
    // And all of the last are used.
    expect(settled()).toBe(0)
  })

  test('a store that fails to give the next units fails nobody who is served by the last', async () => {
    const { nodes, consume, setAway } = fleet(1)
    for (let times = 0; times < 150; times += 1) await consume(0)
    const before = nodes[0]?.consume([charge()])
    expect(before).not.toBeInstanceOf(Promise)
    setAway(true)
    let served = 0
    for (;;) {
      const decision = nodes[0]?.consume([charge()])
      if (decision instanceof Promise) {
        await expect(decision).rejects.toThrow(StoreUnavailable)
        break
      }
      served += 1
      await turn()
    }
    expect(served).toBeGreaterThan(5)
    setAway(false)
    expect((await consume(0))?.outcome).toBe('admitted')
  })

  test('a budget has one reservation for the units that are left, however many were taken ahead before', async () => {
    const { consume, replaced, settled } = fleet(1)
    for (let times = 0; times < 340; times += 1) await consume(0)
    expect(replaced.length).toBeGreaterThan(8)
    // Each that was used up is replaced; what is left are the last ones.
    const gone = new Set(replaced.filter((id) => id !== undefined))
    expect(replaced.length - gone.size).toBeLessThanOrEqual(3)
    expect(settled()).toBe(0)
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

  test('lease: those that were asked for ahead go back too', async () => {
    const { nodes, store, clock, calls } = fleet(1)
    const slow = { ...charge(), interval: 60_000_000 }
    let admitted = 0
    const press = async () => {
      admitted += 1
      const decision = nodes[0]?.consume([slow])
      await decision
      return decision instanceof Promise
    }
    for (let times = 0; times < 150; times += 1) await press()
    // Until the next units were asked for while the last were not used up.
    let before: number
    do before = calls()
    while ((await press()) || calls() === before)
    await turn()
    await clock.advance(400)
    await turn()
    expect((await store.consume([{ ...slow, cost: 0 }])).quotas[0]?.remaining).toBe(400 - admitted)
  })

  test('lease: are never more than allowed', async () => {
    const { nodes, left } = fleet(1, { maxUnits: 40 })
    let most = 0
    for (let admitted = 1; admitted <= 350; admitted += 1) {
      const { outcome } = (await nodes[0]?.consume([charge()])) ?? {}
      expect(outcome).toBe('admitted')
      if (admitted % 3 === 0) await turn()
      most = Math.max(most, 400 - admitted - ((await left()) ?? 0))
    }
    expect(most).toBeLessThanOrEqual(40)
    expect(most).toBeGreaterThan(30)
  })

  test('on their way go back too when a process ends', async () => {
    const { nodes, consume, left } = fleet(1)
    for (let times = 0; times < 3; times += 1) await consume(0)
    const asked = nodes[0]?.consume([charge()])
    await nodes[0]?.giveBack()
    await asked
    expect(await left()).toBe(396)
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
    const crashed = leased(store, { clock: new ManualClock(), maxUnits: 20 })
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
  ['leases of one', { maxUnits: 1 }, /leased: maxUnits/],
  ['no time', { ttl: 0 }, /leased: ttl/],
])('%s is a TypeError', (_name, options, message) => {
  expect(() => fleet(1, options)).toThrow(message)
})
