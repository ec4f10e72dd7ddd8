import { describe, expect, test } from '@jest/globals'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable } from '../../src/stores/unavailable.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { fleet, OK, QUOTA } from './outage.js'

describe('when the store is back', () => {
  test('degraded: what was given out is charged once, behind the first request', async () => {
    const { send, cut, calls } = fleet(2)
    cut('not-ready')
    for (let times = 0; times < 4; times += 1) expect((await send()).admitted).toBe(true)
    cut()
    const before = calls()
    const { reply, events } = await send()
    expect(reply?.headers['ratelimit']).toBe('"q";r=7;t=1')
    expect(events.map(({ type }) => type)).toEqual(['rate-limit.store-recovered', 'rate-limit.admitted'])
    expect(calls()).toBe(before + 2)
    expect((await send()).reply?.headers['ratelimit']).toBe('"q";r=2;t=1')
    expect(calls()).toBe(before + 3)
  })

  test('degraded: nobody waits while it is charged, and a charge that fails is told and made later', async () => {
    const clock = new ManualClock()
    const central = memoryRateLimitStore({ clock })
    const [asked, answers] = [[] as number[], [] as (() => void)[]]
    const failures: unknown[] = [new StoreUnavailable('not-ready')]
    let isSlow = false
    const store: BudgetStore = {
      ...central,
      async consume(charges, options) {
        asked.push(charges[0]?.cost ?? 0)
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        if (isSlow && charges[0]?.cost === 0) await new Promise<void>((resolve) => void answers.push(resolve))
        return central.consume(charges, options)
      },
    }
    const policy = rateLimit({ store, clock, quotas: [QUOTA], expectedProcesses: 2 })
    const send = async (cost = 1) => {
      const exchange = literalExchange({ operation: { cost } })
      await policy.handle(exchange, () => Promise.resolve(OK))
      return exchange.events
    }
    await send(4)
    // The request finds the store, the debt does not.
    failures.push(undefined, new StoreUnavailable('not-ready'))
    const events = await send()
    await Promise.resolve()
    expect(events).toContainEqual({ type: 'rate-limit.store-failed', call: 'repay', reason: 'not-ready' })
    isSlow = true
    expect(await send()).toEqual([{ type: 'rate-limit.admitted', cost: 1, remaining: 6, degraded: false }])
    expect(asked).toEqual([4, 1, 0, 1, 0])
    for (const answer of answers) answer()
    await new Promise((resolve) => setImmediate(resolve))
    expect(await send()).toEqual([{ type: 'rate-limit.admitted', cost: 1, remaining: 1, degraded: false }])
    expect(asked).toEqual([4, 1, 0, 1, 0, 1])
  })

  test('what time has given back is not charged', async () => {
    const { send, cut, clock } = fleet(2)
    cut('not-ready')
    for (let times = 0; times < 4; times += 1) await send()
    await clock.advance(10_000)
    cut()
    await send()
    expect((await send()).reply?.headers['ratelimit']).toBe('"q";r=6;t=1')
  })

  test('a debt larger than what is left takes what is left', async () => {
    const { send, cut } = fleet(2)
    for (let times = 0; times < 6; times += 1) await send()
    cut('not-ready')
    for (let times = 0; times < 4; times += 1) await send()
    cut()
    expect((await send()).reply?.headers['ratelimit']).toBe('"q";r=1;t=1')
    expect((await send()).reply).toMatchObject({ code: 'quota-exceeded' })
  })

  test('a debt larger than what is left takes what is left, whatever others take meanwhile', async () => {
    const clock = new ManualClock()
    const central = memoryRateLimitStore({ clock })
    const isAway = { now: true }
    const store: BudgetStore = {
      ...central,
      async consume(charges, options) {
        if (isAway.now) throw new StoreUnavailable('not-ready')
        const decision = central.consume(charges, options)
        // Another process is faster than whatever comes next.
        const [first] = charges
        if (first !== undefined && first.cost !== 3) await central.consume([{ ...first, cost: 1 }])
        return decision
      },
    }
    const policy = rateLimit({ store, clock, quotas: [QUOTA], expectedProcesses: 1 })
    const send = async (cost: number) =>
      policy.handle(literalExchange({ operation: { cost } }), () => Promise.resolve(OK))
    await send(7)
    isAway.now = false
    expect((await send(3)).headers['ratelimit']).toBe('"q";r=5;t=1')
    await new Promise((resolve) => setImmediate(resolve))
    expect((await send(1)).status).toBe(429)
  })

  test('a debt that can not be charged yet keeps no other from it, and none is charged twice', async () => {
    const clock = new ManualClock()
    const central = memoryRateLimitStore({ clock })
    const failures = new Map<string, StoreUnavailable>()
    let isAway = true
    const store: BudgetStore = {
      ...central,
      async consume(charges, options) {
        const failure = charges[0]?.cost === 0 ? failures.get(charges[0].quota) : undefined
        if (isAway || failure !== undefined) throw failure ?? new StoreUnavailable('not-ready')
        return central.consume(charges, options)
      },
    }
    const quotas = ['own', 'all'].map((name): Quota => ({ ...QUOTA, name, key: () => name }))
    const policy = rateLimit({ store, clock, quotas, expectedProcesses: 1 })
    const left = async (): Promise<unknown> => {
      const { headers } = await policy.handle(literalExchange(), () => Promise.resolve(OK))
      await new Promise((resolve) => setImmediate(resolve))
      return String(headers['ratelimit']).match(/r=\d/g)?.join()
    }
    for (let times = 0; times < 3; times += 1) await left()
    isAway = false
    // Nothing is charged by the first of the two calls, whatever became of it.
    failures.set('all', new StoreUnavailable('deadline'))
    expect(await left()).toBe('r=7,r=7')
    failures.clear()
    expect(await left()).toBe('r=3,r=6')
    expect(await left()).toBe('r=2,r=2')
  })

  test('a debt of a key that is blocked is charged when that ends', async () => {
    const clock = new ManualClock()
    const central = memoryRateLimitStore({ clock })
    let isAway = true
    const store: BudgetStore = {
      ...central,
      async consume(charges, options) {
        if (isAway) throw new StoreUnavailable('not-ready')
        return central.consume(charges, options)
      },
    }
    const day: Quota = { name: 'q', limit: 10, window: '1d', burst: 8, key: () => 'caller' }
    const policy = rateLimit({ store, clock, quotas: [day], expectedProcesses: 1 })
    const left = async (): Promise<unknown> => {
      const { headers } = await policy.handle(literalExchange(), () => Promise.resolve(OK))
      await new Promise((resolve) => setImmediate(resolve))
      return /r=(\d)/.exec(String(headers['ratelimit']))?.[1]
    }
    for (let times = 0; times < 3; times += 1) await left()
    isAway = false
    await policy.block(literalExchange(), 'q', 1_000)
    expect(await left()).toBe('0')
    await clock.advance(1_000)
    expect(await left()).toBe('7')
    expect(await left()).toBe('3')
  })

  test('a call that may have been charged is not charged again', async () => {
    const { send, cut } = fleet(2)
    cut('deadline')
    for (let times = 0; times < 4; times += 1) expect((await send()).admitted).toBe(true)
    cut()
    await send()
    expect((await send()).reply?.headers['ratelimit']).toBe('"q";r=6;t=1')
  })

  test('debts that time has paid make room for those of the next outage', async () => {
    const { send, cut, clock } = fleet(2)
    cut('not-ready')
    for (let caller = 0; caller < 10_000; caller += 1) await send(0, 1, `10.0.${caller >> 8}.${caller & 255}`)
    cut()
    await send()
    await clock.advance(10_000)
    cut('not-ready')
    for (let times = 0; times < 4; times += 1) expect((await send()).admitted).toBe(true)
    cut()
    await send()
    expect((await send()).reply?.headers['ratelimit']).toBe('"q";r=2;t=1')
  })
})
