import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { RateLimitCharge, RateLimitDecision, RateLimitStore } from '../../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import {
  type RateLimitStoreFactory,
  rateLimitStoreSuite,
} from '../../../src/testing/rate-limit-store-suite.js'

const SECOND = 1_000_000

type TestCharge = Extract<RateLimitCharge, { readonly interval: number }>

function charge(key: string, init: Partial<TestCharge> = {}): TestCharge {
  return { quota: 'burst', key, interval: SECOND, burst: 10, cost: 1, ...init }
}

/** A store in memory and its clock; `admits` asks for one charge. */
function setUp(maxEntries: number) {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock, maxEntries })
  const admits = async (one: RateLimitCharge): Promise<boolean> =>
    (await store.consume([one])).outcome === 'admitted'
  return { clock, store, admits }
}

/** A store that does one thing wrong. */
type Fault = (
  consume: (charges: readonly RateLimitCharge[]) => Promise<RateLimitDecision>,
  charges: readonly RateLimitCharge[],
  clock: ManualClock,
) => RateLimitDecision | Promise<RateLimitDecision>

const each =
  (change: (one: RateLimitCharge) => RateLimitCharge): Fault =>
  (consume, charges) =>
    consume(charges.map(change))

const faults: Record<string, Fault> = {
  'shares one budget between keys': each((one) => ({ ...one, key: 'k' })),
  'joins quota and key without a separator': each((one) => ({
    ...one,
    quota: 'q',
    key: `${one.key} ${one.quota}`,
  })),
  'gives one unit too many': each((one) => ({ ...one, burst: one.burst + 1 })),
  'counts requests instead of cost': each((one) => ({ ...one, cost: Math.min(1, one.cost) })),
  'charges for a look': each((one) => ({ ...one, cost: Math.max(1, one.cost) })),
  'keeps the first settings it saw': (() => {
    const seen = new Map<string, RateLimitCharge>()
    return each((one) => {
      const name = one.quota + one.key
      const first = seen.get(name) ?? one
      seen.set(name, first)
      return { ...first, cost: one.cost }
    })
  })(),
  'starts anew when a quota changes': each((one) => ({
    ...one,
    key: JSON.stringify({ ...one, cost: 0 }),
  })),
  'rounds time down to seconds': async (consume, charges, clock) => {
    const now = clock.now()
    clock.step(Math.floor(now / 1_000) * 1_000)
    const decision = await consume(charges)
    clock.step(now)
    return decision
  },
  'charges each quota by itself': async (consume, charges) => {
    const all = await Promise.all(charges.map((one) => consume([one])))
    return (
      all.find(({ outcome }) => outcome !== 'admitted') ?? {
        outcome: 'admitted',
        quotas: all.flatMap((one) => one.quotas),
      }
    )
  },
  'charges for a denial': async (consume, charges) => {
    const decision = await consume(charges)
    if (decision.outcome === 'denied') for (const one of charges) await consume([{ ...one, cost: 1 }])
    return decision
  },
  'reads, waits and then writes': async (consume, charges) => {
    const seen = await consume(charges.map((one) => ({ ...one, cost: 0 })))
    await Promise.resolve()
    const room = charges.every(({ cost }, index) => cost <= (seen.quotas[index]?.remaining ?? 0))
    if (!room) return consume(charges)
    for (const one of charges) await consume([one])
    return {
      ...seen,
      outcome: 'admitted',
      quotas: seen.quotas.map((state, index) => ({
        ...state,
        remaining: state.remaining - (charges[index]?.cost ?? 0),
      })),
    }
  },
  'calls an impossible request denied': async (consume, charges) => {
    const decision = await consume(charges)
    return decision.outcome === 'impossible' ? { ...decision, outcome: 'denied', wait: SECOND } : decision
  },
  'tells clients to come back a little too early': async (consume, charges) => {
    const decision = await consume(charges)
    return decision.outcome === 'denied' ? { ...decision, wait: Math.max(1, decision.wait - 1) } : decision
  },
}

describe('the suite', () => {
  test.each([...rateLimitStoreSuite((clock) => memoryRateLimitStore({ clock }))])('$name', (one) => one.run())

  test.each([...rateLimitStoreSuite(modelRateLimitStore)])('the model: $name', (one) => one.run())

  test.each(Object.entries(faults))('notices a store that %s', async (_name, fault) => {
    const create: RateLimitStoreFactory = (clock) => {
      const store = memoryRateLimitStore({ clock })
      const consume = async (charges: readonly RateLimitCharge[]) => store.consume(charges)
      return { ...store, consume: (charges) => fault(consume, charges, clock) }
    }
    const runs = await Promise.allSettled(rateLimitStoreSuite(create).map((one) => one.run()))
    expect(runs.some(({ status }) => status === 'rejected')).toBe(true)
  })
})

describe('parity', () => {
  const quotas = ['a', 'b', 'c'] as const
  const step = fc.record({
    pause: fc.oneof(fc.constant(0), fc.nat(5_000)),
    charges: fc.uniqueArray(
      fc.record({
        quota: fc.constantFrom(...quotas),
        key: fc.constantFrom('k', 'l'),
        interval: fc.constantFrom(1, 333, 70_000, SECOND, 86_400 * SECOND),
        burst: fc.integer({ min: 1, max: 12 }),
        cost: fc.nat(5),
      }),
      { selector: ({ quota, key }) => quota + key, maxLength: 4 },
    ),
  })

  test('any schedule, quotas changing as it goes, is decided as the model decides it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (schedule) => {
        const { clock, store } = setUp(100)
        const model = modelRateLimitStore(clock)
        for (const { pause, charges } of schedule) {
          clock.step(clock.now() + pause)
          expect(await store.consume(charges)).toEqual(await model.consume(charges))
        }
      }),
    )
  })
})

describe('a full store', () => {
  test('memory: never holds more than its entries, and no flood of keys frees a client that used its budget up', async () => {
    const { clock, store, admits } = setUp(100)
    const victim = charge('victim', { cost: 10 })
    expect(await admits(victim)).toBe(true)
    for (let index = 0; index < 5_000; index += 1) {
      await admits(charge(`flood-${index}`))
      expect(store.size).toBeLessThanOrEqual(100)
      if (index % 500 === 0) expect(await admits(victim)).toBe(false)
      if (index % 600 === 0) await clock.advance(1)
    }
    expect(await store.consume([victim])).toMatchObject({ outcome: 'denied', quotas: [{ remaining: 0 }] })
  })

  test('gives a client that used its budget up its next unit in time, whatever comes in between', async () => {
    const { clock, admits } = setUp(100)
    // All keys of one group, so that they would meet in its remainder.
    expect(await admits(charge('in group, victim', { cost: 10 }))).toBe(true)
    for (let second = 0; second < 5; second += 1) {
      await clock.advance(1_000)
      for (let index = 0; index < 500; index += 1) await admits(charge(`in group, ${second} ${index}`))
      expect(await admits(charge('in group, victim'))).toBe(true)
    }
  })

  test('locks no newcomer for long when the clock steps back', async () => {
    const { clock, admits } = setUp(1)
    await admits(charge('used up', { cost: 10 }))
    while (await admits(charge('newcomer')));
    clock.step(clock.now() - 86_400_000)
    expect(await admits(charge('newcomer'))).toBe(false)
    await clock.advance(1_000)
    expect(await admits(charge('newcomer'))).toBe(true)
    await clock.advance(9_000)
    expect(await admits(charge('newcomer', { cost: 9 }))).toBe(true)
  })

  test('still knows each newcomer by itself while lightly used budgets can make room', async () => {
    const { admits } = setUp(100)
    for (let index = 0; index < 1_000; index += 1) expect(await admits(charge(`flood-${index}`))).toBe(true)
    // A newcomer finds at most the one unit missing that those who made room had taken.
    const newcomer = charge('newcomer')
    let taken = 0
    while (await admits(newcomer)) taken += 1
    expect(taken).toBeGreaterThanOrEqual(9)
  })

  test('lets newcomers share what is left when every place is used up', async () => {
    const { store, admits } = setUp(10)
    for (let index = 0; index < 10; index += 1) await admits(charge(`used-${index}`, { cost: 10 }))
    let admitted = 0
    for (let index = 0; index < 50_000; index += 1) if (await admits(charge(`new-${index}`))) admitted += 1
    // 1,024 groups of ten units each.
    expect(admitted).toBeLessThanOrEqual(10_240)
    expect(admitted).toBeGreaterThan(1_024)
    expect(store.size).toBe(10)
  })

  test('takes places back as time refills budgets, without a timer', async () => {
    const { clock, store, admits } = setUp(1_000)
    for (let index = 0; index < 1_000; index += 1) await admits(charge(`used-${index}`, { cost: 10 }))
    await clock.advance(10_000)
    for (let index = 0; index < 300; index += 1) await admits(charge(`new-${index}`))
    expect(clock.pending).toBe(0)
    expect(store.size).toBe(300)
    expect(await admits(charge('another', { cost: 10 }))).toBe(true)
  })

  test('is never more generous than a store without bounds', async () => {
    // Tiers: one quota whose settings depend on the key.
    const key = fc.nat(11).map((number) => ({
      // One group: they all share one remainder.
      key: `one group ${number}`,
      interval: [SECOND, 70_001, 10 * SECOND][number % 3] ?? SECOND,
      burst: [10, 3, 40][number % 3] ?? 10,
    }))
    const step = fc.tuple(key, fc.integer({ min: 1, max: 10 }), fc.oneof(fc.constant(0), fc.nat(2_000)))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(step, { maxLength: 200 }),
        async (most, steps) => {
          const { clock, store } = setUp(most)
          const model = modelRateLimitStore(clock)
          for (const [who, cost, pause] of steps) {
            clock.step(clock.now() + pause)
            const one = charge(who.key, { ...who, cost: Math.min(cost, who.burst) })
            const decision = await store.consume([one])
            expect(store.size).toBeLessThanOrEqual(most)
            if (decision.outcome !== 'admitted') continue
            const unbounded = await model.consume([one])
            expect(unbounded.outcome).toBe('admitted')
            expect(decision.quotas[0]?.remaining).toBeLessThanOrEqual(unbounded.quotas[0]?.remaining ?? 0)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('settings that can not be right', () => {
  test.each<[string, object, RegExp]>([
    ['no entries', { maxEntries: 0 }, /memoryRateLimitStore: maxEntries/],
    ['a text', { maxEntries: '10' }, /memoryRateLimitStore: maxEntries/],
    ['no clock', { clock: {} }, /memoryRateLimitStore: clock/],
    ['a typo', { max: 10 }, /unknown option 'max'/],
  ])('%s', (_name, options, message) => {
    expect(() => memoryRateLimitStore(options as { maxEntries: number })).toThrow(TypeError)
    expect(() => memoryRateLimitStore(options as { maxEntries: number })).toThrow(message)
  })
})

test('a store that is made without options has a clock and a bound', async () => {
  const store: RateLimitStore = memoryRateLimitStore()
  expect((await store.consume([charge('k')])).outcome).toBe('admitted')
})
