import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { hotDeny } from '../../src/rate-limit/hot-deny.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore, RateLimitCharge } from '../../src/rate-limit/store.js'
import type { Answer, Reply } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { type ExchangeInit, literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

/** What was measured to go wrong in limiters that many services run, and has no test elsewhere. */

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const DAY = 86_400_000

function limited(options: Pick<RateLimitOptions, 'quotas'> & Partial<RateLimitOptions>) {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const policy = rateLimit({ store, clock, ...options })
  const send = (init: ExchangeInit = {}): Promise<Reply> =>
    policy.handle(literalExchange(init), () => Promise.resolve(OK))
  const admitted = async (times: number): Promise<number> => {
    let count = 0
    for (let time = 0; time < times; time += 1) if ((await send()).kind === 'answer') count += 1
    return count
  }
  return { clock, store, policy, send, admitted }
}

test.each(['gcra', 'fixed-window', 'sliding-window'] as const)(
  'a window longer than any timer limits: %s',
  async (algorithm) => {
    const burst = algorithm === 'gcra' ? { burst: 5 } : {}
    const { clock, admitted } = limited({
      quotas: [{ name: 'q', limit: 5, window: '60d', key: 'ip', algorithm, ...burst }],
    })
    expect(await admitted(50)).toBe(5)
    await clock.advance(DAY)
    expect(await admitted(50)).toBe(0)
    expect(clock.pending).toBe(0)
  },
)

test.each([300, 1_500])('a window of %d ms is as long as it says', async (window) => {
  for (const algorithm of ['fixed-window', 'sliding-window'] as const) {
    const { clock, admitted } = limited({
      quotas: [{ name: 'q', limit: 4, window, key: 'ip', algorithm }],
    })
    clock.step(Math.ceil(clock.now() / window) * window)
    expect(await admitted(9)).toBe(4)
    await clock.advance(window - 1)
    expect(await admitted(9)).toBe(0)
    await clock.advance(algorithm === 'fixed-window' ? 1 : 1 + window / 10)
    expect(await admitted(9)).toBe(4)
  }
})

test('what a fixed window gives back after its end is not added to the next one', async () => {
  const { clock, store } = limited({ quotas: [{ name: 'q', limit: 1, window: 1, key: 'ip' }] })
  const one = {
    quota: 'q',
    key: 'k',
    algorithm: 'fixed-window',
    window: 60_000_000,
    burst: 100,
    cost: 40,
  } as const
  const decision = await store.consume([one], { reserve: 600_000 })
  await clock.advance(60_000)
  if (decision.outcome === 'admitted' && decision.receipt !== undefined)
    await store.settle(decision.receipt, [0])
  let admitted = 0
  while ((await store.consume([{ ...one, cost: 1 }])).outcome === 'admitted') admitted += 1
  expect(admitted).toBe(100)
})

test('whoever is blocked for a second and a half is told to come back in two seconds, and never in none', async () => {
  const { clock, policy, send } = limited({ quotas: [{ name: 'q', limit: 60, window: '1m', key: 'ip' }] })
  await policy.block(literalExchange(), 'q', 1_500)
  for (const [passed, told] of [
    [0, '2'],
    [499, '2'],
    [501, '1'],
    [499, '1'],
  ] as const) {
    await clock.advance(passed)
    expect((await send()).headers['retry-after']).toBe(told)
  }
  await clock.advance(1)
  expect((await send()).kind).toBe('answer')
})

test('a cost that is text is an error: it is not joined to a count', async () => {
  const { send } = limited({ quotas: [{ name: 'q', limit: 60, window: '1m', key: 'ip' }] })
  await expect(send({ operation: { cost: '5' as unknown as number } })).rejects.toThrow(TypeError)
})

test('the older fields are whole numbers too', async () => {
  const pauses = fc.array(
    fc.integer({ min: 0, max: 2_500 }).map((tenths) => tenths / 10),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(pauses, async (schedule) => {
      const { clock, send } = limited({
        headers: 'legacy',
        quotas: [{ name: 'q', limit: 7, window: 1_900, key: 'ip' }],
      })
      for (const pause of schedule) {
        await clock.advance(pause)
        const { headers } = await send()
        for (const name of ['limit', 'remaining', 'reset']) {
          expect(headers[`x-ratelimit-${name}`]).toMatch(/^\d+$/)
        }
        expect(Number(headers['x-ratelimit-reset']) * 1_000).toBeGreaterThanOrEqual(clock.now())
      }
    }),
    { numRuns: 50 },
  )
})

test('limiters that share a store share the quotas of one name and key, and no others', async () => {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const make = (name: string) =>
    rateLimit({ store, quotas: [{ name, limit: 60, window: '1m', burst: 3, key: 'ip' }] })
  const [one, same, other] = [make('api'), make('api'), make('files')]
  const left = async (policy: ReturnType<typeof make>) => {
    const { headers } = await policy.handle(literalExchange(), () => Promise.resolve(OK))
    return /r=(\d+)/.exec(String(headers['ratelimit']))?.[1]
  }
  expect([await left(one), await left(same), await left(other), await left(one)]).toEqual([
    '2',
    '1',
    '2',
    '0',
  ])
})

const refused = (index: number): readonly RateLimitCharge[] => [
  { quota: 'q', key: `caller ${index}`, interval: 3_600_000_000, burst: 1, cost: 1 },
]

test('memory: denials of no more callers than asked for are remembered', async () => {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  let calls = 0
  const counted: BudgetStore = {
    settle: (receipt, costs) => memory.settle(receipt, costs),
    block: (key, duration) => memory.block(key, duration),
    consume: (charges, options) => {
      calls += 1
      return memory.consume(charges, options)
    },
  }
  const store = hotDeny(counted, { clock, maxEntries: 20 })
  for (let index = 0; index < 500; index += 1) {
    await store.consume(refused(index))
    await store.consume(refused(index))
  }
  calls = 0
  for (let index = 499; index >= 0; index -= 1) await store.consume(refused(index))
  expect(calls).toBeGreaterThanOrEqual(500 - 20)
  expect(calls).toBeLessThan(500)
})
