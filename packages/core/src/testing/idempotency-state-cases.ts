import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type {
  ClaimVerdict,
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyStore,
} from '../idempotency/store.js'
import type { ManualClock } from './manual-clock.js'

const LEASE = 10_000
const RETENTION = 60_000
const CLAIM: IdempotencyClaim = {
  owner: 'first',
  share: 'caller',
  fingerprint: 'same',
  lease: LEASE,
  retention: RETENTION,
  barrier: 'now',
  keyTime: undefined,
}
const DEFERRED: IdempotencyClaim = { ...CLAIM, barrier: 'deferred' }
const SECOND: IdempotencyClaim = { ...CLAIM, owner: 'second' }

const RECORD: IdempotencyRecord = {
  outcome: 'answered',
  status: 201,
  headers: { 'content-type': 'application/json', link: ['</a>; rel="a"', '</b>; rel="b"'] },
  body: Buffer.from([0, 123, 255, 10]),
}
const OTHER_RECORD: IdempotencyRecord = { ...RECORD, status: 202 }

/** A store, and a cell of the case's own. */
export interface Subject {
  readonly store: IdempotencyStore
  readonly clock: ManualClock
  readonly cell: string
}

/** What every store must do with the states of a cell. */
export const STATE_CASES: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  'of fifty claims at once one wins and the others learn how long it may live': async ({ store, cell }) => {
    const claims = Array.from({ length: 50 }, (_, index) =>
      store.claim(cell, { ...CLAIM, owner: `owner-${index}` }),
    )
    const verdicts = await Promise.all(claims)
    strictEqual(verdicts.filter(({ state }) => state === 'won').length, 1)
    for (const verdict of verdicts) if (verdict.state !== 'won') deepStrictEqual(verdict, busy(LEASE))
  },

  'cells do not meet, whatever they are called': async ({ store, cell }) => {
    for (const name of ['__proto__', 'constructor', 'toString', `${cell}:a`, `${cell}:`, cell]) {
      await won(store.claim(name === cell ? cell : `${cell}/${name}`, CLAIM))
    }
    await won(store.claim('__proto__', { ...CLAIM, owner: cell }))
    ok(await store.withdraw('__proto__', cell))
  },

  'fences rise over release, takeover, withdrawal and the end of retention': async ({
    store,
    clock,
    cell,
  }) => {
    const fences = [await won(store.claim(cell, DEFERRED))]
    ok(await store.release(cell, fences[0] ?? 0))
    fences.push(await won(store.claim(cell, DEFERRED)))
    await clock.advance(LEASE)
    fences.push(await won(store.claim(cell, SECOND)))
    ok(await store.withdraw(cell, 'second'))
    fences.push(await won(store.claim(cell, CLAIM)))
    await clock.advance(LEASE + RETENTION)
    fences.push(await won(store.claim(cell, SECOND)))
    deepStrictEqual(
      fences,
      [...new Set(fences)].toSorted((a, b) => a - b),
    )
  },

  'an owner that repeats its claim wins it again with the same fence': async ({ store, clock, cell }) => {
    const fence = await won(store.claim(cell, CLAIM))
    await clock.advance(LEASE - 1)
    strictEqual(await won(store.claim(cell, CLAIM)), fence)
    deepStrictEqual(await store.claim(cell, SECOND), busy(LEASE))
  },

  'another fingerprint is a mismatch: in flight, unknown and done': async ({ store, clock, cell }) => {
    const other = { ...SECOND, fingerprint: 'other' }
    const fence = await won(store.claim(cell, CLAIM))
    deepStrictEqual(await store.claim(cell, other), { state: 'mismatch' })
    await clock.advance(LEASE)
    deepStrictEqual(await store.claim(cell, other), { state: 'mismatch' })
    await store.complete(cell, fence, RECORD, RETENTION)
    deepStrictEqual(await store.claim(cell, other), { state: 'mismatch' })
  },

  'a lapsed claim before the barrier is taken over': async ({ store, clock, cell }) => {
    const stale = await won(store.claim(cell, DEFERRED))
    await clock.advance(LEASE - 1)
    deepStrictEqual(await store.claim(cell, SECOND), busy(1))
    await clock.advance(1)
    const verdict = await store.claim(cell, SECOND)
    ok(verdict.state === 'won' && verdict.takeover && verdict.fence > stale)
  },

  'a lapsed claim past the barrier is unknown and never won again': async ({ store, clock, cell }) => {
    await won(store.claim(cell, CLAIM))
    await clock.advance(LEASE)
    deepStrictEqual(await store.claim(cell, SECOND), { state: 'unknown' })
    await clock.advance(RETENTION - 1)
    deepStrictEqual(await store.claim(cell, SECOND), { state: 'unknown' })
  },

  'begin passes the barrier and renews; afterwards a lapse is unknown': async ({ store, clock, cell }) => {
    const fence = await won(store.claim(cell, DEFERRED))
    await clock.advance(LEASE - 1)
    ok(await store.begin(cell, fence, LEASE))
    ok(await store.begin(cell, fence, LEASE))
    deepStrictEqual(await store.claim(cell, SECOND), busy(LEASE))
    await clock.advance(LEASE)
    deepStrictEqual(await store.claim(cell, SECOND), { state: 'unknown' })
  },

  'a renewed lease lives on, also one that had lapsed': async ({ store, clock, cell }) => {
    const fence = await won(store.claim(cell, CLAIM))
    for (let round = 0; round < 20; round += 1) {
      await clock.advance(LEASE - 1)
      ok(await store.renew(cell, fence, LEASE))
    }
    await clock.advance(LEASE + 5)
    ok(await store.renew(cell, fence, LEASE))
    deepStrictEqual(await store.claim(cell, SECOND), busy(LEASE))
  },

  'an owner that was only paused may still complete': async ({ store, clock, cell }) => {
    const fence = await won(store.claim(cell, CLAIM))
    await clock.advance(LEASE + RETENTION - 1)
    deepStrictEqual(await store.claim(cell, SECOND), { state: 'unknown' })
    strictEqual(await store.complete(cell, fence, RECORD, RETENTION), 'stored')
    sameRecord(await store.claim(cell, SECOND), RECORD)
  },

  'a stale fence changes nothing and says so': async ({ store, clock, cell }) => {
    const stale = await won(store.claim(cell, DEFERRED))
    await clock.advance(LEASE)
    const fence = await won(store.claim(cell, { ...SECOND, barrier: 'deferred' }))
    for (const wrong of [stale, fence + 1]) {
      strictEqual(await store.begin(cell, wrong, LEASE * 9), false)
      strictEqual(await store.renew(cell, wrong, LEASE * 9), false)
      strictEqual(await store.complete(cell, wrong, RECORD, RETENTION), 'stale')
      strictEqual(await store.release(cell, wrong), false)
    }
    strictEqual(await store.withdraw(cell, 'first'), false)
    deepStrictEqual(await store.claim(cell, { ...CLAIM, owner: 'third' }), busy(LEASE))
    ok(await store.begin(cell, fence, LEASE))
  },

  'calls on a cell that is not there change nothing': async ({ store, cell }) => {
    strictEqual(await store.begin(cell, 1, LEASE), false)
    strictEqual(await store.renew(cell, 1, LEASE), false)
    strictEqual(await store.complete(cell, 1, RECORD, RETENTION), 'stale')
    strictEqual(await store.release(cell, 1), false)
    strictEqual(await store.withdraw(cell, 'first'), false)
    await won(store.claim(cell, CLAIM))
  },

  'release frees a claim before the barrier only': async ({ store, cell }) => {
    const early = await won(store.claim(cell, DEFERRED))
    ok(await store.release(cell, early))
    const late = await won(store.claim(cell, DEFERRED))
    notStrictEqual(late, early)
    ok(await store.begin(cell, late, LEASE))
    strictEqual(await store.release(cell, late), false)
    deepStrictEqual(await store.claim(cell, SECOND), busy(LEASE))
  },

  'withdraw frees an unfinished claim in any state, for its owner alone': async ({ store, clock, cell }) => {
    await won(store.claim(cell, CLAIM))
    strictEqual(await store.withdraw(cell, 'second'), false)
    await clock.advance(LEASE)
    ok(await store.withdraw(cell, 'first'))
    const fence = await won(store.claim(cell, { ...SECOND, fingerprint: 'other' }))
    strictEqual(await store.complete(cell, fence, RECORD, RETENTION), 'stored')
    strictEqual(await store.withdraw(cell, 'second'), false)
  },

  'a record is final, and the same one again is a success': async ({ store, cell }) => {
    const fence = await won(store.claim(cell, CLAIM))
    strictEqual(await store.complete(cell, fence, RECORD, RETENTION), 'stored')
    strictEqual(await store.complete(cell, fence, { ...RECORD }, RETENTION), 'stored')
    strictEqual(await store.complete(cell, fence, OTHER_RECORD, RETENTION), 'stale')
    strictEqual(await store.begin(cell, fence, LEASE), false)
    strictEqual(await store.renew(cell, fence, LEASE), false)
    strictEqual(await store.release(cell, fence), false)
    sameRecord(await store.claim(cell, SECOND), RECORD)
    sameRecord(await store.claim(cell, CLAIM), RECORD)
  },

  'a claim before the barrier may complete: it had no effect': async ({ store, cell }) => {
    const fence = await won(store.claim(cell, DEFERRED))
    strictEqual(await store.complete(cell, fence, RECORD, RETENTION), 'stored')
    strictEqual(await store.release(cell, fence), false)
    sameRecord(await store.claim(cell, SECOND), RECORD)
  },

  'a record stays as it was written when the buffers and arrays around it change': async ({
    store,
    cell,
  }) => {
    const body = Buffer.from('before')
    const fence = await won(store.claim(cell, CLAIM))
    const link = ['</a>', '</b>']
    await store.complete(cell, fence, { ...RECORD, headers: { link }, body }, RETENTION)
    body.fill('x')
    link.pop()
    const first = await store.claim(cell, SECOND)
    if (first.state === 'done') first.record.body?.fill(0)
    sameRecord(await store.claim(cell, SECOND), {
      ...RECORD,
      headers: { link: ['</a>', '</b>'] },
      body: Buffer.from('before'),
    })
  },

  'no content and empty content are kept apart; failures and tombstones are records': async ({
    store,
    cell,
  }) => {
    const records: readonly IdempotencyRecord[] = [
      { ...RECORD, status: 204, headers: {}, body: null },
      { ...RECORD, body: Buffer.alloc(0) },
      { outcome: 'failed', status: 500, headers: {}, body: null },
      { outcome: 'not-kept', status: 201, headers: { location: '/items/1' }, body: null },
    ]
    for (const [index, record] of records.entries()) {
      const fence = await won(store.claim(`${cell}-${index}`, CLAIM))
      strictEqual(await store.complete(`${cell}-${index}`, fence, record, RETENTION), 'stored')
      sameRecord(await store.claim(`${cell}-${index}`, SECOND), record)
    }
  },

  'a finished cell is there until its retention ends, and then free': async ({ store, clock, cell }) => {
    const fence = await won(store.claim(cell, CLAIM))
    await store.complete(cell, fence, RECORD, RETENTION)
    await clock.advance(RETENTION - 1)
    sameRecord(await store.claim(cell, SECOND), RECORD)
    await clock.advance(1)
    await won(store.claim(cell, { ...SECOND, fingerprint: 'other' }))
  },

  'an abandoned cell is free when lease and retention have ended': async ({ store, clock, cell }) => {
    const fence = await won(store.claim(cell, CLAIM))
    await clock.advance(LEASE + RETENTION)
    strictEqual(await store.renew(cell, fence, LEASE), false)
    strictEqual(await store.complete(cell, fence, RECORD, RETENTION), 'stale')
    await won(store.claim(cell, SECOND))
  },
}

function busy(remaining: number): ClaimVerdict {
  return { state: 'busy', remaining }
}

async function won(claim: Promise<ClaimVerdict>): Promise<number> {
  const verdict = await claim
  ok(verdict.state === 'won', `expected to win the cell; it is ${verdict.state}`)
  return verdict.fence
}

function sameRecord(verdict: ClaimVerdict, record: IdempotencyRecord): void {
  ok(verdict.state === 'done', `expected a finished cell; it is ${verdict.state}`)
  const { body, ...head } = verdict.record
  const { body: expected, ...expectedHead } = record
  deepStrictEqual({ ...head }, expectedHead)
  deepStrictEqual(body && Buffer.from(body), expected && Buffer.from(expected))
}
