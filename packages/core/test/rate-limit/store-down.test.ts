import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { redisRateLimitStore } from '../../src/stores/redis/index.js'
import { StoreUnavailable, type UnavailableReason } from '../../src/stores/unavailable.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
/** Ten a second, 8 at once. */
const QUOTA: Quota = { name: 'q', limit: 10, window: '1s', burst: 8, key: 'ip' }

/** A central store that can be cut off, and processes that share it. */
function fleet(processes: number, options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const central = memoryRateLimitStore({ clock })
  let away: UnavailableReason | undefined
  let calls = 0
  const store: BudgetStore = {
    consume: (charges, asked) => {
      calls += 1
      return away === undefined ? central.consume(charges, asked) : Promise.reject(new StoreUnavailable(away))
    },
    settle: (receipt, costs) => central.settle(receipt, costs),
    block: (key, duration) => central.block(key, duration),
  }
  const policies = Array.from({ length: processes }, () =>
    rateLimit({ store, clock, quotas: [QUOTA], expectedProcesses: processes, ...options }),
  )
  const send = async (process = 0, cost = 1, address?: string) => {
    const exchange = literalExchange({ operation: { cost }, ...(address === undefined ? {} : { address }) })
    const reply = await policies[process]?.handle(exchange, () => Promise.resolve(OK))
    return { reply, events: exchange.events, admitted: reply?.kind === 'answer' }
  }
  return { clock, send, cut: (reason?: UnavailableReason) => void (away = reason), calls: () => calls }
}

/** Far more requests than come back. */
const pauses = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(300))

describe('while the store is away, by default', () => {
  test('each process gives out its share and says that it did', async () => {
    const { send, cut } = fleet(4)
    cut('not-ready')
    const first = await send()
    expect(first.reply?.headers['ratelimit']).toBe('"q";r=1;t=1')
    expect(first.events).toEqual([
      { type: 'rate-limit.store-failed', call: 'consume', reason: 'not-ready' },
      { type: 'rate-limit.admitted', cost: 1, remaining: 1, degraded: true },
    ])
    expect((await send()).admitted).toBe(true)
    const denied = await send()
    expect(denied.reply).toMatchObject({ code: 'quota-exceeded', headers: { 'retry-after': '1' } })
    expect(denied.events).toContainEqual(
      expect.objectContaining({ type: 'rate-limit.denied', degraded: true }),
    )
  })

  test('degraded: the fleet gives out its documented bound and no more, for however long it lasts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.tuple(fc.nat(4), pauses), { minLength: 40, maxLength: 120 }),
        async (processes, schedule) => {
          const { send, cut, clock } = fleet(processes)
          const start = clock.now()
          cut('not-ready')
          let admitted = 0
          for (const [process, pause] of schedule) {
            if ((await send(process % processes)).admitted) admitted += 1
            await clock.advance(pause)
          }
          const share = Math.max(1, Math.floor(8 / processes))
          const steady = (10 * (clock.now() - start)) / 1_000
          expect(admitted).toBeLessThanOrEqual(processes * share + steady)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('all processes together keep the rate under a flood', async () => {
    const { send, cut, clock } = fleet(4)
    cut('not-ready')
    let admitted = 0
    for (let tick = 0; tick < 200; tick += 1) {
      for (let process = 0; process < 4; process += 1) if ((await send(process)).admitted) admitted += 1
      await clock.advance(50)
    }
    expect(admitted).toBeGreaterThan(95)
    expect(admitted).toBeLessThanOrEqual(4 * 2 + 10 * 10)
  })

  test('a cost that no share can hold is a 503, one that no budget can hold still is a 400', async () => {
    const { send, cut } = fleet(4)
    cut('breaker-open')
    expect((await send(0, 5)).reply).toMatchObject({ code: 'rate-limit-unavailable', status: 503 })
    expect((await send(0, 9)).reply).toMatchObject({ code: 'cost-exceeds-quota', status: 400 })
  })
})

test('degraded: whenever the store goes and comes, it keeps its envelope and the shares keep theirs', async () => {
  const step = fc.record({
    process: fc.nat(3),
    pause: pauses,
    change: fc.oneof(
      { weight: 8, arbitrary: fc.constant('none' as const) },
      fc.constantFrom('back' as const, 'not-ready' as const, 'breaker-open' as const),
    ),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { minLength: 60, maxLength: 150 }),
      async (processes, steps) => {
        const { send, cut, clock } = fleet(processes)
        const start = clock.now()
        let firstCut: number | undefined
        let [byStore, byShare] = [0, 0]
        for (const { process, pause, change } of steps) {
          if (change === 'back') cut()
          else if (change !== 'none') {
            cut(change)
            firstCut ??= clock.now()
          }
          const { admitted, events } = await send(process % processes)
          if (admitted && events.some((event) => 'degraded' in event && event.degraded)) byShare += 1
          else if (admitted) byStore += 1
          await clock.advance(pause)
        }
        const unitsSince = (time: number): number => (10 * (clock.now() - time)) / 1_000
        expect(byStore).toBeLessThanOrEqual(8 + unitsSince(start))
        const share = Math.max(1, Math.floor(8 / processes))
        const most = firstCut === undefined ? 0 : processes * share + unitsSince(firstCut)
        expect(byShare).toBeLessThanOrEqual(most)
      },
    ),
    { numRuns: 60 },
  )
})

const hang = () => new Promise<never>(() => undefined)

test('degraded: while Redis hangs a decision takes the deadline and no longer, then none', async () => {
  const clock = new ManualClock()
  const client = {
    status: 'ready',
    options: {},
    connect: hang,
    evalsha: hang,
    eval: hang,
    evalshaBuffer: hang,
    evalBuffer: hang,
  }
  const store = redisRateLimitStore(client, { clock, deadline: 50, failures: 5 })
  const policy = rateLimit({ store, clock, quotas: [{ ...QUOTA, limit: 1_000, burst: 800 }] })
  let decided = 0
  const send = async () => {
    const exchange = literalExchange()
    await policy.handle(exchange, () => Promise.resolve(OK))
    decided += 1
    return exchange.events
  }
  const hung = Array.from({ length: 100 }, send)
  await clock.advance(49)
  expect(decided).toBe(0)
  await clock.advance(1)
  const all = await Promise.all(hung)
  expect(all.every((events) => events.some((event) => 'degraded' in event && event.degraded))).toBe(true)
  // From now on the server is left alone: no time passes.
  expect(await send()).toMatchObject([{ reason: 'breaker-open' }, { degraded: true }])
})

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
