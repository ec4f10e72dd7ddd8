import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { ReplayStore } from '../../../src/auth/replay-store.js'
import { memoryReplayStore, type MemoryReplayStoreOptions } from '../../../src/stores/memory/replay.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { type ReplayStoreBounds, replayStoreSuite } from '../../../src/testing/replay-store-suite.js'

describe('the suite', () => {
  const suite = replayStoreSuite((clock, bounds) => memoryReplayStore({ clock, ...bounds }))
  test.each([...suite])('$name', (one) => one.run())
})

describe('the suite finds a store that', () => {
  type Fault = (store: ReplayStore, clock: ManualClock, bounds: ReplayStoreBounds) => ReplayStore
  const faults: Record<string, Fault> = {
    'knows nothing': () => ({ remember: () => 'fresh' }),
    'refuses everything': () => ({ remember: () => 'seen' }),
    'looks first and remembers later': (store) => {
      const ids = new Set<string>()
      return {
        async remember(id, source, milliseconds) {
          const isSeen = ids.has(source + id)
          await new Promise((resolve) => setImmediate(resolve))
          ids.add(source + id)
          return isSeen ? 'seen' : store.remember(id, source, milliseconds) === 'full' ? 'full' : 'fresh'
        },
      }
    },
    'takes any time for one': (store) => ({
      remember: (id, source, milliseconds) =>
        milliseconds > 0 && milliseconds < Infinity ? store.remember(id, source, milliseconds) : 'fresh',
    }),
    'forgets too early': (store) => ({
      remember: (id, source, milliseconds) => store.remember(id, source, milliseconds - 1),
    }),
    'forgets too late': (store) => ({
      remember: (id, source, milliseconds) => store.remember(id, source, milliseconds + 1),
    }),
    'counts all sources together': (store) => ({
      remember: (id, source, milliseconds) => store.remember(source + id, 'all', milliseconds),
    }),
    'takes one id of two sources for the same': (store) => {
      const sources = new Map<string, string>()
      return {
        remember(id, source, milliseconds) {
          if (!sources.has(id)) sources.set(id, source)
          return store.remember(id, sources.get(id) ?? source, milliseconds)
        },
      }
    },
    'has no bound': (_store, clock) => memoryReplayStore({ clock }),
    'has room for one more': (_store, clock, { maxEntriesPerSource }) =>
      memoryReplayStore({ clock, maxEntriesPerSource: maxEntriesPerSource + 1 }),
    'gives up the oldest for the newest': (_store, clock, { maxEntriesPerSource }) => {
      const shares = new Map<string, Map<string, number>>()
      return {
        remember(id, source, milliseconds) {
          const share = shares.get(source) ?? new Map<string, number>()
          shares.set(source, share)
          if ((share.get(id) ?? 0) > clock.now()) return 'seen'
          const [oldest] = share.keys()
          if (share.size >= maxEntriesPerSource && oldest !== undefined) share.delete(oldest)
          share.set(id, clock.now() + milliseconds)
          return 'fresh'
        },
      }
    },
    'counts what has ended': (_store, clock, { maxEntriesPerSource }) => {
      const shares = new Map<string, Map<string, number>>()
      return {
        remember(id, source, milliseconds) {
          const share = shares.get(source) ?? new Map<string, number>()
          shares.set(source, share)
          if ((share.get(id) ?? 0) > clock.now()) return 'seen'
          if (!share.has(id) && share.size >= maxEntriesPerSource) return 'full'
          share.set(id, clock.now() + milliseconds)
          return 'fresh'
        },
      }
    },
    'lets a replay make it last longer': (_store, clock, { maxEntriesPerSource }) => {
      const ends = new Map<string, number>()
      const store = memoryReplayStore({ clock, maxEntriesPerSource })
      return {
        remember(id, source, milliseconds) {
          const isSeen = (ends.get(source + id) ?? 0) > clock.now()
          ends.set(source + id, clock.now() + milliseconds)
          const remembered = store.remember(id, source, milliseconds)
          return isSeen ? 'seen' : remembered
        },
      }
    },
    'remembers what it refuses': (store) => {
      const refused = new Set<string>()
      return {
        remember(id, source, milliseconds) {
          if (refused.has(source + id)) return 'seen'
          const remembered = store.remember(id, source, milliseconds)
          if (remembered === 'full') refused.add(source + id)
          return remembered
        },
      }
    },
    'says full of what it has seen': (store, _clock, { maxEntriesPerSource }) => {
      const counts = new Map<string, number>()
      return {
        remember(id, source, milliseconds) {
          const count = counts.get(source) ?? 0
          if (count >= maxEntriesPerSource) return 'full'
          const remembered = store.remember(id, source, milliseconds)
          if (remembered === 'fresh') counts.set(source, count + 1)
          return remembered
        },
      }
    },
    'ends all of a source with what ends first': (_store, clock, { maxEntriesPerSource }) => {
      const stores = new Map<string, { store: ReplayStore; ends: number }>()
      return {
        remember(id, source, milliseconds) {
          const held = stores.get(source)
          const current =
            held === undefined || held.ends <= clock.now()
              ? { store: memoryReplayStore({ clock, maxEntriesPerSource }), ends: Infinity }
              : held
          current.ends = Math.min(current.ends, clock.now() + milliseconds)
          stores.set(source, current)
          return current.store.remember(id, source, milliseconds)
        },
      }
    },
  }

  test.each(Object.entries(faults))('%s', async (_name, fault) => {
    const failed: string[] = []
    const suite = replayStoreSuite((clock, bounds) =>
      fault(memoryReplayStore({ clock, ...bounds }), clock, bounds),
    )
    for (const { name, run } of suite) await run().catch(() => failed.push(name))
    expect(failed).not.toEqual([])
  })
})

test('ids of any span are remembered exactly so long, whatever comes between', () => {
  const steps = fc.array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      source: fc.constantFrom('ann', 'bob'),
      span: fc.integer({ min: 1, max: 50 }),
      wait: fc.integer({ min: 0, max: 30 }),
    }),
    { maxLength: 100 },
  )
  fc.assert(
    fc.property(steps, (schedule) => {
      const clock = new ManualClock()
      const store = memoryReplayStore({ clock, maxEntries: 6, maxEntriesPerSource: 4 })
      let held: { id: string; source: string; ends: number }[] = []
      for (const { id, source, span, wait } of schedule) {
        clock.step(clock.now() + wait)
        const now = clock.now()
        held = held.filter(({ ends }) => ends > now)
        const isSeen = held.some((one) => one.id === id && one.source === source)
        const isFull = held.length >= 6 || held.filter((one) => one.source === source).length >= 4
        const expected = isSeen ? 'seen' : isFull ? 'full' : 'fresh'
        expect(store.remember(id, source, span)).toBe(expected)
        if (expected === 'fresh') held.push({ id, source, ends: now + span })
      }
    }),
    { numRuns: 500 },
  )
})

describe('in all', () => {
  test('a store that is full refuses newcomers of every source and forgets nothing', () => {
    const clock = new ManualClock()
    const store = memoryReplayStore({ clock, maxEntries: 3, maxEntriesPerSource: 2 })
    const remember = (source: string, id: string) => store.remember(id, source, 1_000)
    expect([remember('ann', '1'), remember('ann', '2'), remember('ann', '3')]).toEqual([
      'fresh',
      'fresh',
      'full',
    ])
    expect([remember('bob', '1'), remember('bob', '2'), remember('cyd', '1')]).toEqual([
      'fresh',
      'full',
      'full',
    ])
    expect([remember('ann', '1'), remember('ann', '2'), remember('bob', '1')]).toEqual([
      'seen',
      'seen',
      'seen',
    ])
  })

  test('what ended refuses nobody, however much of it there is', () => {
    const clock = new ManualClock()
    const store = memoryReplayStore({ clock, maxEntries: 1_000, maxEntriesPerSource: 500 })
    for (let id = 0; id < 1_000; id += 1)
      void store.remember(String(id), id < 500 ? 'ann' : 'bob', 1_000 + id)
    clock.step(clock.now() + 3_000)
    expect(store.remember('new', 'bob', 1_000)).toBe('fresh')
  })

  test('what ended and came again is remembered anew, also before the old end of it is cleared away', () => {
    const clock = new ManualClock()
    const store = memoryReplayStore({ clock })
    for (let id = 0; id < 100; id += 1) void store.remember(String(id), 'ann', 1_000 + id)
    clock.step(clock.now() + 1_099)
    expect(store.remember('99', 'ann', 1_000)).toBe('fresh')
    for (let id = 100; id < 150; id += 1) void store.remember(String(id), 'ann', 1_000)
    expect(store.remember('99', 'ann', 1_000)).toBe('seen')
  })

  test('a clock that steps back does not shorten what is remembered', () => {
    const clock = new ManualClock()
    const store = memoryReplayStore({ clock })
    void store.remember('one', 'ann', 1_000)
    clock.step(clock.now() - 5_000)
    expect(store.remember('one', 'ann', 1_000)).toBe('seen')
    clock.step(clock.now() + 5_999)
    expect(store.remember('one', 'ann', 1_000)).toBe('seen')
  })
})

test.each<[MemoryReplayStoreOptions, string]>([
  [{ maxEntries: 0 }, 'memoryReplayStore: maxEntries'],
  [{ maxEntriesPerSource: 1.5 }, 'memoryReplayStore: maxEntriesPerSource'],
  [{ clock: {} as never }, 'memoryReplayStore: clock'],
  [{ entries: 5 } as never, "unknown option 'entries'"],
])('%j is a TypeError that names the option', (options, message) => {
  expect(() => memoryReplayStore(options)).toThrow(TypeError)
  expect(() => memoryReplayStore(options)).toThrow(message)
})
