import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { redisRateLimitStore } from '../../src/stores/redis/index.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { fleet, OK, QUOTA } from './outage.js'

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
