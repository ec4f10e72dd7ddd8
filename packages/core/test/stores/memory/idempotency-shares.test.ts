import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { IdempotencyClaim, IdempotencyRecord, IdempotencyStore } from '../../../src/idempotency/store.js'
import { memoryIdempotencyStore } from '../../../src/stores/memory/idempotency.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

const CLAIM: IdempotencyClaim = {
  owner: 'first',
  share: 'ann',
  fingerprint: 'same',
  lease: 10_000,
  retention: 60_000,
  barrier: 'now',
  keyTime: undefined,
}

const STEPS = fc.array(
  fc.oneof(
    fc.record({
      call: fc.constant('claim' as const),
      by: fc.constantFrom('ann', 'bob', 'bob', 'bob'),
      cell: fc.nat(9),
      barrier: fc.constantFrom('now' as const, 'deferred' as const),
    }),
    fc.record({
      call: fc.constantFrom('complete' as const, 'release' as const, 'withdraw' as const, 'renew' as const),
      by: fc.constantFrom('ann', 'bob'),
      cell: fc.nat(9),
      size: fc.constantFrom(0, 100, 4_000),
    }),
    fc.record({ call: fc.constant('advance' as const), by: fc.constantFrom(1_000, 10_000, 60_000) }),
  ),
  { maxLength: 80 },
)
type Step = typeof STEPS extends fc.Arbitrary<(infer S)[]> ? S : never

/** What Ann is told by a store that Bob uses, or does not. */
async function toldAnn(steps: readonly Step[], withBob: boolean): Promise<readonly unknown[]> {
  const clock = new ManualClock()
  const bounds = { maxEntries: 16, maxEntriesPerShare: 5, maxBytes: 65_536, maxBytesPerShare: 20_000 }
  const store = memoryIdempotencyStore({ clock, ...bounds })
  const fences = new Map<string, number>()
  const told: unknown[] = []
  for (const step of steps) {
    if (step.call === 'advance') {
      clock.step(clock.now() + step.by)
      continue
    }
    if (step.by === 'bob' && !withBob) continue
    const verdict = await act(store, step, fences)
    if (step.by === 'ann') told.push(verdict)
  }
  return told
}

/** Fences are numbered over all callers: which one it is says nothing about a decision. */
async function act(
  store: IdempotencyStore,
  step: Exclude<Step, { call: 'advance' }>,
  fences: Map<string, number>,
): Promise<unknown> {
  const cell = `${step.by}-${step.cell}`
  const fence = fences.get(cell) ?? 0
  switch (step.call) {
    case 'claim': {
      const verdict = await store.claim(cell, { ...CLAIM, share: step.by, barrier: step.barrier })
      if (verdict.state !== 'won') return verdict
      fences.set(cell, verdict.fence)
      return { ...verdict, fence: undefined }
    }
    case 'complete':
      return store.complete(cell, fence, recordOf(step.size), 60_000)
    case 'renew':
      return store.renew(cell, fence, 10_000)
    case 'release':
      return store.release(cell, fence)
    default:
      return store.withdraw(cell, 'first')
  }
}

function recordOf(size: number): IdempotencyRecord {
  return { outcome: 'answered', status: 200, headers: {}, body: new Uint8Array(size) }
}

describe('shares', () => {
  test('whatever one caller does changes no verdict of another', async () => {
    await fc.assert(
      fc.asyncProperty(STEPS, async (steps) => {
        expect(await toldAnn(steps, true)).toEqual(await toldAnn(steps, false))
      }),
      { numRuns: 500 },
    )
  })

  test('a caller has a quarter of the store where nothing else is said', async () => {
    const store = memoryIdempotencyStore({ clock: new ManualClock(), maxEntries: 40, maxBytes: 160_000 })
    for (let index = 0; index < 10; index += 1) {
      expect((await store.claim(`a${index}`, CLAIM)).state).toBe('won')
    }
    expect((await store.claim('a10', CLAIM)).state).toBe('share-full')

    const claimed = await store.claim('b', { ...CLAIM, share: 'bob' })
    const fence = claimed.state === 'won' ? claimed.fence : 0
    expect(await store.complete('b', fence, recordOf(40_000), 60_000)).toBe('full')
    expect(await store.complete('b', fence, recordOf(38_000), 60_000)).toBe('stored')
  })

  test('a full store is told from a full share', async () => {
    const store = memoryIdempotencyStore({ clock: new ManualClock(), maxEntries: 3, maxEntriesPerShare: 2 })
    for (const cell of ['a', 'b']) await store.claim(cell, CLAIM)
    expect((await store.claim('c', { ...CLAIM, share: 'bob' })).state).toBe('won')
    expect((await store.claim('d', { ...CLAIM, share: 'bob' })).state).toBe('full')
    expect((await store.claim('d', CLAIM)).state).toBe('share-full')
  })

  test('a share is free the moment its keys have ended, however many of other callers ended before', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 1_000, maxEntriesPerShare: 500 })
    for (let index = 0; index < 500; index += 1) {
      expect((await store.claim(`b${index}`, { ...CLAIM, share: 'bob' })).state).toBe('won')
    }
    const first = await store.claim('a0', CLAIM)
    for (let index = 1; index < 500; index += 1) await store.claim(`a${index}`, CLAIM)
    await clock.advance(CLAIM.lease)
    expect(first.state === 'won' && (await store.renew('a0', first.fence, CLAIM.lease))).toBe(true)
    await clock.advance(CLAIM.retention)
    for (let index = 1; index < 500; index += 1) {
      expect((await store.claim(`c${index}`, CLAIM)).state).toBe('won')
    }
  })

  test('answers never take more than the share and one record each that says only that they were given', async () => {
    const store = memoryIdempotencyStore({ clock: new ManualClock(), maxEntries: 100, maxBytes: 64_000 })
    for (let index = 0; index < 10; index += 1) {
      const claimed = await store.claim(`a${index}`, CLAIM)
      if (claimed.state !== 'won') break
      const verdict = await store.complete(`a${index}`, claimed.fence, recordOf(7_000), 60_000)
      if (verdict === 'full') {
        const tombstone = { ...recordOf(0), outcome: 'not-kept', body: null } as const
        expect(await store.complete(`a${index}`, claimed.fence, tombstone, 60_000)).toBe('stored')
      }
    }
    expect((await store.claim('late', CLAIM)).state).toBe('share-full')
    // 16,000 bytes: what Ann left of the store is there for others, to the last byte.
    for (const share of ['bob', 'eve', 'joe']) {
      const claimed = await store.claim(share, { ...CLAIM, share })
      const fence = claimed.state === 'won' ? claimed.fence : 0
      expect(await store.complete(share, fence, recordOf(14_400), 60_000)).toBe('stored')
    }
  })
})
