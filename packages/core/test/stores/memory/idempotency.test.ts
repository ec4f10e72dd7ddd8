import { describe, expect, test } from '@jest/globals'
import type { IdempotencyClaim, IdempotencyRecord, IdempotencyStore } from '../../../src/idempotency/store.js'
import { memoryIdempotencyStore } from '../../../src/stores/memory/idempotency.js'
import { idempotencyStoreSuite } from '../../../src/testing/idempotency-store-suite.js'
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

const BOB: IdempotencyClaim = { ...CLAIM, share: 'bob' }

const RECORD: IdempotencyRecord = { outcome: 'answered', status: 201, headers: {}, body: Buffer.from('done') }

describe('the memory store does what every store must', () => {
  for (const { name, run } of idempotencyStoreSuite((clock, bounds) =>
    memoryIdempotencyStore({ clock, ...bounds }),
  )) {
    test(name, run)
  }
})

/** How many cases a store with one method replaced fails. */
async function failures(
  fault: (store: IdempotencyStore) => Partial<IdempotencyStore>,
): Promise<readonly string[]> {
  const failed: string[] = []
  const cases = idempotencyStoreSuite((clock, bounds) => {
    const store = memoryIdempotencyStore({ clock, ...bounds })
    return { ...store, ...fault(store) }
  })
  for (const { name, run } of cases) {
    try {
      await run()
    } catch {
      failed.push(name)
    }
  }
  return failed
}

describe('the suite finds a store that', () => {
  const faults: Readonly<Record<string, (store: IdempotencyStore) => Partial<IdempotencyStore>>> = {
    'wins every claim': () => ({ claim: () => Promise.resolve({ state: 'won', fence: 1, takeover: false }) }),
    'gives every winner one fence': (store) => ({
      async claim(cell, claim) {
        const verdict = await store.claim(cell, claim)
        return verdict.state === 'won' ? { ...verdict, fence: 1 } : verdict
      },
    }),
    'takes over past the barrier': (store) => ({
      claim: (cell, claim) => store.claim(cell, { ...claim, barrier: 'deferred' }),
    }),
    'does not compare fingerprints': (store) => ({
      claim: (cell, claim) => store.claim(cell, { ...claim, fingerprint: 'same' }),
    }),
    'does not renew': () => ({ renew: () => Promise.resolve(true) }),
    'begins whatever the fence': () => ({ begin: () => Promise.resolve(true) }),
    'forgets records': () => ({ complete: () => Promise.resolve('stored') }),
    'releases past the barrier': (store) => ({ release: (cell) => store.withdraw(cell, 'first') }),
    'withdraws for anybody': () => ({ withdraw: () => Promise.resolve(true) }),
    'loses header lines': (store) => ({
      complete: (cell, fence, record, retention) =>
        store.complete(cell, fence, { ...record, headers: {} }, retention),
    }),
    'has one share for everybody': (store) => ({
      claim: (cell, claim) => store.claim(cell, { ...claim, share: 'everybody' }),
    }),
    'has a share for every key': (store) => ({
      claim: (cell, claim) => store.claim(cell, { ...claim, share: cell }),
    }),
    'lets answers pass the share': (store) => ({
      async complete(cell, fence, record, retention) {
        const verdict = await store.complete(cell, fence, record, retention)
        return verdict === 'full' ? 'stored' : verdict
      },
    }),
    'keeps records for ever': (store) => ({
      complete: (cell, fence, record, retention) => store.complete(cell, fence, record, retention * 2),
    }),
  }
  for (const [name, fault] of Object.entries(faults)) {
    test(name, async () => {
      expect(await failures(fault)).not.toEqual([])
    })
  }
})

describe('bounds', () => {
  test('no more entries than allowed: new claims are refused, live and finished ones stay', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 2, maxEntriesPerShare: 2 })
    const first = await store.claim('a', CLAIM)
    await clock.advance(1_000)
    const second = await store.claim('b', CLAIM)
    if (second.state === 'won') await store.complete('b', second.fence, RECORD, 5_000)
    expect(await store.claim('c', BOB)).toEqual({ state: 'full', remaining: 5_000 })
    expect(await store.claim('a', CLAIM)).toEqual(first)
    expect((await store.claim('b', CLAIM)).state).toBe('done')
    await clock.advance(5_000)
    expect((await store.claim('c', BOB)).state).toBe('won')
    expect((await store.claim('a', { ...CLAIM, owner: 'second' })).state).toBe('busy')
  })

  test('what was released or withdrawn leaves its room', async () => {
    const store = memoryIdempotencyStore({ clock: new ManualClock(), maxEntries: 1, maxBytes: 1_536 })
    for (let round = 0; round < 10; round += 1) {
      expect((await store.claim(`a${round}`, CLAIM)).state).toBe('won')
      expect(await store.withdraw(`a${round}`, CLAIM.owner)).toBe(true)
      const claimed = await store.claim(`b${round}`, { ...CLAIM, barrier: 'deferred' })
      expect(claimed.state === 'won' && (await store.release(`b${round}`, claimed.fence))).toBe(true)
    }
  })

  test('no more bytes than allowed: a body without room is refused, a record without one never', async () => {
    const store = memoryIdempotencyStore({
      clock: new ManualClock(),
      maxBytes: 5_120,
      maxBytesPerShare: 5_120,
    })
    const claimed = await store.claim('a', CLAIM)
    const fence = claimed.state === 'won' ? claimed.fence : 0
    const large = { ...RECORD, body: Buffer.alloc(4_096) }
    expect(await store.complete('a', fence, large, 1_000)).toBe('full')
    expect(await store.claim('a', { ...CLAIM, owner: 'second' })).toMatchObject({ state: 'busy' })
    expect(await store.complete('a', fence, { ...large, outcome: 'not-kept', body: null }, 1_000)).toBe(
      'stored',
    )
    for (const cell of ['b', 'c']) expect((await store.claim(cell, CLAIM)).state).toBe('won')
    expect((await store.claim('d', BOB)).state).toBe('full')
  })

  test('room comes back when retentions of different length end', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 300, maxEntriesPerShare: 300 })
    for (let index = 0; index < 300; index += 1) {
      await store.claim(`a${index}`, { ...CLAIM, retention: 1_000 * (1 + (index % 3)) })
    }
    expect((await store.claim('b', BOB)).state).toBe('full')
    await clock.advance(CLAIM.lease + 2_000)
    let wins = 0
    while ((await store.claim(`b${wins}`, CLAIM)).state === 'won') wins += 1
    expect(wins).toBe(200)
  })

  test('a cell that ended and was claimed anew does not end with what it was', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock })
    for (let index = 0; index < 100; index += 1) await store.claim(`a${index}`, CLAIM)
    await clock.advance(CLAIM.lease + CLAIM.retention)
    expect((await store.claim('a99', CLAIM)).state).toBe('won')
    for (let index = 0; index < 20; index += 1) await store.claim(`b${index}`, CLAIM)
    expect((await store.claim('a99', { ...CLAIM, owner: 'second' })).state).toBe('busy')
  })

  test('a clock that was far ahead for a while keeps no room from those who come after', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 10, maxEntriesPerShare: 10 })
    const start = clock.now()
    clock.step(start + 30 * 86_400_000)
    await store.claim('ahead', CLAIM)
    clock.step(start)
    for (let index = 0; index < 9; index += 1) await store.claim(`a${index}`, CLAIM)
    for (const claim of [CLAIM, BOB]) expect((await store.claim('b', claim)).state).toMatch(/full$/)
    await clock.advance(CLAIM.lease + CLAIM.retention)
    for (const claim of [CLAIM, BOB]) {
      expect((await store.claim(`c${claim.share}`, claim)).state).toBe('won')
    }
  })

  test('a clock that steps back forgets nothing', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock })
    await store.claim('a', CLAIM)
    clock.step(clock.now() - 3_600_000)
    await store.claim('b', CLAIM)
    expect((await store.claim('a', { ...CLAIM, owner: 'second' })).state).toBe('busy')
    expect((await store.claim('b', { ...CLAIM, owner: 'second' })).state).toBe('busy')
  })
})

describe('a key that tells its time', () => {
  const start = Date.UTC(2026, 0, 1)
  const claimAt = async (
    keyTime: number | undefined,
    olderKeys: 'refuse' | 'ignore' = 'refuse',
  ): Promise<string> => {
    const clock = new ManualClock(start)
    const store = memoryIdempotencyStore({ clock, olderKeys })
    await clock.advance(100_000)
    return (await store.claim('a', { ...CLAIM, keyTime })).state
  }

  test('is refused when it was made before the store was: its cell may have been forgotten', async () => {
    expect(await claimAt(start - 1)).toBe('amnesia')
    expect(await claimAt(start + 50_000)).toBe('won')
    expect(await claimAt(undefined)).toBe('won')
    expect(await claimAt(start - 1, 'ignore')).toBe('won')
  })

  test('is refused when it is older than the retention', async () => {
    expect(await claimAt(start + 100_000 - CLAIM.retention - 1)).toBe('amnesia')
  })

  test('is known as long as its cell is, however old it is', async () => {
    const clock = new ManualClock(start)
    const store = memoryIdempotencyStore({ clock })
    const claimed = await store.claim('a', { ...CLAIM, keyTime: start })
    const fence = claimed.state === 'won' ? claimed.fence : 0
    await clock.advance(CLAIM.lease + CLAIM.retention - 1)
    expect((await store.claim('a', { ...CLAIM, keyTime: start })).state).toBe('won')
    expect(await store.complete('a', fence, RECORD, 1_000)).toBe('stored')
    expect((await store.claim('a', { ...CLAIM, keyTime: start })).state).toBe('done')
  })
})

test.each([
  [{ maxEntries: 0 }, 'maxEntries'],
  [{ maxBytes: 1.5 }, 'maxBytes'],
  [{ maxEntriesPerShare: 0 }, 'maxEntriesPerShare'],
  [{ maxEntries: 10, maxEntriesPerShare: 11 }, 'maxEntriesPerShare'],
  [{ maxBytesPerShare: 100 }, 'maxBytesPerShare'],
  [{ maxBytes: 2_000, maxBytesPerShare: 2_001 }, 'maxBytesPerShare'],
  [{ olderKeys: 'never' }, 'olderKeys'],
  [{ clock: {} }, 'clock'],
  [{ ttl: 1 }, 'ttl'],
])('the option in %j is refused by name', (options, name) => {
  expect(() => memoryIdempotencyStore(options as never)).toThrow(
    new RegExp(`memoryIdempotencyStore.*${name}`),
  )
})
