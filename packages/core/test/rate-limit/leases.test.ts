import { describe, expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { hotDeny } from '../../src/rate-limit/hot-deny.js'
import { leased } from '../../src/rate-limit/leased.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore, RateLimitCharge } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

/** A limiter of 400 a day on a store that answers a turn of the event loop later. */
function limited(options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  const asked: (readonly RateLimitCharge[])[] = []
  const store: BudgetStore = {
    ...memory,
    async consume(charges, consumed) {
      asked.push(charges)
      await turn()
      return memory.consume(charges, consumed)
    },
  }
  const quotas: RateLimitOptions['quotas'] = [
    { name: 'q', limit: 400, window: '1d', burst: 400, key: 'global' },
  ]
  const policy = rateLimit({ store, quotas, clock, ...options })
  const send = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      const { status } = await policy.handle(literalExchange(), async () => {
        return { kind: 'answer', status: 200, headers: {}, body: null }
      })
      expect(status).toBe(200)
    }
  }
  const left = async (): Promise<number | undefined> => {
    const look = asked[0]?.map((charge) => ({ ...charge, cost: 0 })) ?? []
    return (await memory.consume(look)).quotas[0]?.remaining
  }
  return { policy, clock, store, asked, send, left }
}

describe('leases: one option', () => {
  test('spares most requests the store, and is off by default', async () => {
    const [off, on] = [limited(), limited({ leases: true })]
    await Promise.all([off.send(300), on.send(300)])
    expect(off.asked.length).toBe(300)
    expect(on.asked.length).toBeLessThan(20)
  })

  test('takes settings, on the clock of the limiter', async () => {
    const { send, asked, clock, left } = limited({ leases: { maxUnits: 10, ttl: '1s' } })
    await send(300)
    expect(asked.length).toBeGreaterThan(30)
    expect(Math.max(...asked.map(([charge]) => charge?.cost ?? 0))).toBe(9)
    await clock.advance(2_000)
    expect(await left()).toBe(100)
  })

  test('gives back what is not used when a process ends', async () => {
    const { policy, send, left } = limited({ leases: true })
    await send(300)
    expect(await left()).toBeLessThan(100)
    await policy.giveBack()
    expect(await left()).toBe(100)
  })

  test('lease: nothing is stranded of a budget that many callers share: of one beside their own nothing is taken ahead', async () => {
    const shared = { limit: 10_000, window: '365d', burst: 10_000 } as const
    const { policy, asked, clock, left } = limited({
      leases: true,
      quotas: [
        { ...shared, name: 'everybody', key: 'global' },
        { ...shared, name: 'own', limit: 1_000, burst: 1_000, key: 'ip' },
      ],
    })
    const callers = Array.from({ length: 100 }, (_, index) => literalExchange({ address: `10.0.0.${index}` }))
    for (let time = 0; time < 10; time += 1) {
      const all = callers.map(async (exchange) => {
        return policy.handle(exchange, async () => ({ kind: 'answer', status: 200, headers: {}, body: null }))
      })
      expect((await Promise.all(all)).every(({ status }) => status === 200)).toBe(true)
    }
    await clock.advance(2_000)
    await policy.giveBack()
    asked[0] = asked[0]?.filter(({ quota }) => quota === 'everybody') ?? []
    expect(await left()).toBe(10_000 - 1_000)
  })

  test('giving back is harmless where nothing was taken ahead, and where the store has gone', async () => {
    await expect(limited().policy.giveBack()).resolves.toBeUndefined()
    const { policy, send, store } = limited({ leases: true })
    await send(100)
    store.settle = () => Promise.reject(new Error('gone'))
    await expect(policy.giveBack()).resolves.toBeUndefined()
  })

  test.each<[string, Partial<RateLimitOptions>, RegExp]>([
    ['no choice', { leases: 'yes' as unknown as true }, /rateLimit: leases must be/],
    ['a typo', { leases: { mots: 5 } as object }, /rateLimit: leases: unknown option/],
    ['leases of one', { leases: { maxUnits: 1 } }, /rateLimit: leases: maxUnits/],
    ['no time', { leases: { ttl: 0 } }, /rateLimit: leases: ttl/],
    ['leases twice', { leases: true, store: leased(memoryRateLimitStore()) }, /leased already/],
    ['leases behind', { leases: true, store: hotDeny(leased(memoryRateLimitStore())) }, /leased already/],
    [
      'a store that does not say for how long',
      { store: { ...memoryRateLimitStore(), usedWithin: Number.NaN } },
      /rateLimit: store.usedWithin/,
    ],
  ])('%s is a TypeError', (_name, options, message) => {
    expect(() => limited(options)).toThrow(TypeError)
    expect(() => limited(options)).toThrow(message)
  })
})

test.each<[string, (store: BudgetStore) => Partial<RateLimitOptions>, number]>([
  ['without leases', (store) => ({ store }), 1_000],
  ['with the option', (store) => ({ store, leases: true }), 1_200],
  ['in a leased store', (store) => ({ store: leased(store) }), 1_200],
  ['behind a memory of denials', (store) => ({ store: hotDeny(leased(store, { ttl: 500 })) }), 1_500],
])('a strict limit counts the time of a lease in, %s', async (_name, options, within) => {
  const quotas: RateLimitOptions['quotas'] = [
    { name: 'q', limit: 110, window: '1s', burst: 10, strict: true, key: 'global' },
  ]
  const { store, asked } = limited()
  const policy = rateLimit({ quotas, ...options(store) } as RateLimitOptions)
  await policy.handle(literalExchange(), async () => {
    return { kind: 'answer', status: 200, headers: {}, body: null }
  })
  expect(asked[0]?.[0]).toMatchObject({ interval: (within * 1_000) / 100, burst: 10 })
})
