import { describe, expect, test } from '@jest/globals'
import type { IdempotencyClaim, IdempotencyRecord } from '../../../src/idempotency/store.js'
import {
  type Cell,
  copyOf,
  isSameRecord,
  judgeClaim,
  newCell,
} from '../../../src/stores/memory/idempotency-cell.js'

const CLAIM: IdempotencyClaim = {
  owner: 'second',
  share: 'ann',
  fingerprint: 'same',
  lease: 10_000,
  retention: 60_000,
  barrier: 'now',
  keyTime: undefined,
}
const RECORD: IdempotencyRecord = {
  outcome: 'answered',
  status: 201,
  headers: { link: ['a', 'b'] },
  body: null,
}
const NOW = 1_000_000

/** A cell of another owner, whose lease has ended. */
function cellWith(known: Partial<Cell>): Cell {
  return { ...newCell('cell', CLAIM), owner: 'first', leaseEnds: NOW, ...known }
}

describe('a claim on a cell that is there', () => {
  test.each<[string, Partial<Cell>, Partial<IdempotencyClaim>, unknown]>([
    [
      'another request, even when the first is done',
      { record: RECORD },
      { fingerprint: 'other' },
      { state: 'mismatch' },
    ],
    [
      'another request of the same owner',
      { owner: 'second' },
      { fingerprint: 'other' },
      { state: 'mismatch' },
    ],
    [
      'one that is done, whoever asks',
      { record: RECORD, owner: 'second' },
      {},
      { state: 'done', record: RECORD },
    ],
    ['its own owner, past the barrier too', { owner: 'second', state: 'executing' }, {}, 'again'],
    ['one that lives', { leaseEnds: NOW + 5 }, {}, { state: 'busy', remaining: 5 }],
    [
      'one that lives past the barrier',
      { leaseEnds: NOW + 5, state: 'executing' },
      {},
      { state: 'busy', remaining: 5 },
    ],
    ['one whose owner vanished past the barrier', { state: 'executing' }, {}, { state: 'unknown' }],
    ['one whose owner vanished before it', { state: 'claimed' }, {}, 'lapsed'],
  ])('%s', (_name, known, claim, verdict) => {
    expect(judgeClaim(cellWith(known), { ...CLAIM, ...claim }, NOW)).toEqual(verdict)
  })
})

describe('a record that is kept', () => {
  test('shares nothing with the one it was made from', () => {
    const body = Buffer.from('first')
    const link = ['a']
    const kept = copyOf({ ...RECORD, headers: { link }, body })
    body.write('other')
    link.push('b')
    expect(Buffer.from(kept.body ?? []).toString()).toBe('first')
    expect(kept.headers).toEqual({ link: ['a'] })
  })

  test('is the same as one of other bytes of the same value, and of no other', () => {
    const kept = copyOf({ ...RECORD, body: Buffer.from('done') })
    expect(isSameRecord(kept, { ...RECORD, body: Buffer.from('done') })).toBe(true)
    expect(isSameRecord(kept, { ...RECORD, body: Buffer.from('none') })).toBe(false)
    expect(isSameRecord(kept, { ...RECORD, body: null })).toBe(false)
  })
})
