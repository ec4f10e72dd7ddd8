import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { IdempotencyClaim, IdempotencyRecord, IdempotencyStore } from '../idempotency/store.js'
import { randomId } from '../id.js'
import type { ManualClock } from './manual-clock.js'

/** How much one caller may keep in the store under test. */
export interface IdempotencyShareBounds {
  /** Keys, in progress and done. */
  readonly maxEntriesPerShare: number
  /** About how many bytes they and their answers take. */
  readonly maxBytesPerShare: number
}

/** A store whose shares are small, and a claim in a share of its own. */
export interface ShareSubject {
  readonly store: IdempotencyStore
  readonly clock: ManualClock
  readonly claim: (share: string, cell: string, init?: Partial<IdempotencyClaim>) => Claimed
}

type Claimed = ReturnType<IdempotencyStore['claim']>

/** Room for three keys, and for one large answer but not for two. */
export const SMALL_SHARES: IdempotencyShareBounds = { maxEntriesPerShare: 3, maxBytesPerShare: 65_536 }

const LEASE = 10_000
const RETENTION = 60_000
const RECORD: IdempotencyRecord = { outcome: 'answered', status: 201, headers: {}, body: Buffer.from('done') }
const LARGE: IdempotencyRecord = { ...RECORD, body: Buffer.alloc(40_000) }
const TOMBSTONE: IdempotencyRecord = { ...RECORD, outcome: 'not-kept', body: null }

/** Makes the subject of one case. Names are its own: stores under test may have other cells. */
export function shareSubject(store: IdempotencyStore, clock: ManualClock): ShareSubject {
  const run = randomId()
  return {
    store,
    clock,
    claim: (share, cell, init) =>
      store.claim(cell, {
        owner: 'first',
        share: `${share}-${run}`,
        fingerprint: 'same',
        lease: LEASE,
        retention: RETENTION,
        barrier: 'now',
        keyTime: undefined,
        ...init,
      }),
  }
}

/** What every store must do so that callers do not compete for room. */
export const SHARE_CASES: Readonly<Record<string, (subject: ShareSubject) => Promise<void>>> = {
  'a caller whose share is full is refused new keys, and nobody else is': async ({ claim }) => {
    const cells = newCells(3)
    for (const cell of cells) await won(claim('flood', cell))
    const refused = await claim('flood', newCell())
    ok(refused.state === 'share-full', `expected a full share; it is ${refused.state}`)
    ok(refused.remaining > 0 && refused.remaining <= LEASE + RETENTION, `it ends in ${refused.remaining} ms`)
    for (const cell of newCells(3)) await won(claim('neighbour', cell))
    strictEqual((await claim('neighbour', newCell())).state, 'share-full')
  },

  'keys that a full share holds go on: in progress, done, and with another request': async ({
    claim,
    store,
  }) => {
    const [running = '', done = '', third = ''] = newCells(3)
    const fence = await won(claim('flood', running, { barrier: 'deferred' }))
    const finished = await won(claim('flood', done))
    strictEqual(await store.complete(done, finished, RECORD, RETENTION), 'stored')
    await won(claim('flood', third))
    strictEqual((await claim('flood', newCell())).state, 'share-full')
    strictEqual((await claim('flood', running, { owner: 'second' })).state, 'busy')
    strictEqual((await claim('flood', done, { owner: 'second' })).state, 'done')
    strictEqual((await claim('flood', done, { fingerprint: 'other' })).state, 'mismatch')
    strictEqual(await won(claim('flood', running)), fence)
    ok(await store.begin(running, fence, LEASE))
    ok(await store.renew(running, fence, LEASE))
    strictEqual(await store.complete(running, fence, RECORD, RETENTION), 'stored')
  },

  'a claim that is taken over takes no second place': async ({ claim, clock }) => {
    const cells = newCells(3)
    for (const cell of cells) await won(claim('flood', cell, { barrier: 'deferred' }))
    await clock.advance(LEASE)
    for (const cell of cells) await won(claim('flood', cell, { owner: 'second', barrier: 'deferred' }))
    strictEqual((await claim('flood', newCell())).state, 'share-full')
  },

  'what was released, withdrawn or ended leaves its place in the share': async ({ claim, store, clock }) => {
    for (let round = 0; round < 5; round += 1) {
      const [released = '', withdrawn = '', done = ''] = newCells(3)
      const fence = await won(claim('flood', released, { barrier: 'deferred' }))
      await won(claim('flood', withdrawn))
      const finished = await won(claim('flood', done))
      strictEqual((await claim('flood', newCell())).state, 'share-full')
      ok(await store.release(released, fence))
      ok(await store.withdraw(withdrawn, 'first'))
      strictEqual(await store.complete(done, finished, RECORD, RETENTION), 'stored')
      const again = newCells(2)
      for (const cell of again) await won(claim('flood', cell))
      strictEqual((await claim('flood', newCell())).state, 'share-full')
      for (const cell of again) ok(await store.withdraw(cell, 'first'))
      await clock.advance(RETENTION)
    }
    for (const cell of newCells(3)) await won(claim('flood', cell))
    await clock.advance(LEASE + RETENTION)
    for (const cell of newCells(3)) await won(claim('flood', cell))
  },

  'an answer without room in the share is not kept, and that it was given is': async ({ claim, store }) => {
    const [first = '', second = ''] = newCells(2)
    const one = await won(claim('flood', first))
    const two = await won(claim('flood', second))
    strictEqual(await store.complete(first, one, LARGE, RETENTION), 'stored')
    strictEqual(await store.complete(second, two, LARGE, RETENTION), 'full')
    strictEqual((await claim('flood', second, { owner: 'second' })).state, 'busy')
    strictEqual(await store.complete(second, two, TOMBSTONE, RETENTION), 'stored')
    const retried = await claim('flood', second, { owner: 'second' })
    ok(retried.state === 'done')
    deepStrictEqual(retried.record.outcome, 'not-kept')
    const neighbour = newCell()
    const fence = await won(claim('neighbour', neighbour))
    strictEqual(await store.complete(neighbour, fence, LARGE, RETENTION), 'stored')
  },

  'the bytes of an answer come back to the share when it ends': async ({ claim, store, clock }) => {
    for (let round = 0; round < 3; round += 1) {
      const cell = newCell()
      const fence = await won(claim('flood', cell))
      strictEqual(await store.complete(cell, fence, LARGE, RETENTION), 'stored')
      await clock.advance(RETENTION)
    }
  },
}

function newCell(): string {
  return `cell-${randomId()}`
}

function newCells(count: number): readonly string[] {
  return Array.from({ length: count }, newCell)
}

async function won(claim: Claimed): Promise<number> {
  const verdict = await claim
  ok(verdict.state === 'won', `expected to win the cell; it is ${verdict.state}`)
  return verdict.fence
}
