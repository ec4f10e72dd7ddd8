import { isDeepStrictEqual } from 'node:util'
import type { ClaimVerdict, IdempotencyClaim, IdempotencyRecord } from '../../idempotency/store.js'
import { BARE_CELL } from './idempotency-options.js'
import type { Shared } from './idempotency-shares.js'

/** What is known of one key. Times are the store's own. */
export interface Cell extends Shared<Cell> {
  readonly name: string
  readonly fingerprint: string
  state: 'claimed' | 'executing'
  fence: number
  owner: string
  leaseEnds: number
  retention: number
  /** How long it was to last when it was last held, and until when. */
  span: number
  expires: number
  bytes: number
  /** Final: once it is there it never changes. */
  record: IdempotencyRecord | undefined
}

/** A cell that nobody has won yet. */
export function newCell(name: string, { share, fingerprint }: IdempotencyClaim): Cell {
  return {
    name,
    share,
    fingerprint,
    older: undefined,
    newer: undefined,
    state: 'claimed',
    fence: 0,
    owner: '',
    leaseEnds: 0,
    retention: 0,
    span: 0,
    expires: 0,
    bytes: BARE_CELL,
    record: undefined,
  }
}

/**
 * What a claim on a cell that is there comes to, in the order that the interface promises. `again`: its owner repeats
 * a claim whose reply was lost. `lapsed`: its owner is gone and had no effect.
 */
export function judgeClaim(
  cell: Cell,
  { fingerprint, owner }: IdempotencyClaim,
  now: number,
): Exclude<ClaimVerdict, { state: 'won' }> | 'again' | 'lapsed' {
  if (cell.fingerprint !== fingerprint) return { state: 'mismatch' }
  if (cell.record !== undefined) return { state: 'done', record: copyOf(cell.record) }
  if (cell.owner === owner) return 'again'
  if (cell.leaseEnds > now) return { state: 'busy', remaining: cell.leaseEnds - now }
  return cell.state === 'executing' ? { state: 'unknown' } : 'lapsed'
}

/**
 * A record of its own: the caller's bytes may be a buffer that is used again. Not a Buffer: a small one is a piece
 * of a pool, and the whole would stay as long as the record.
 */
export function copyOf(record: IdempotencyRecord): IdempotencyRecord {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(record.headers)) {
    headers[name] = typeof value === 'string' ? value : [...value]
  }
  return { ...record, headers, body: record.body === null ? null : new Uint8Array(record.body) }
}

/** Whether a record is the one that is kept, offered again because the reply was lost. */
export function isSameRecord(kept: IdempotencyRecord, offered: IdempotencyRecord): boolean {
  return isDeepStrictEqual(kept, copyOf(offered))
}

/** About how many bytes a record takes beside its cell. */
export function sizeOf({ headers, body }: IdempotencyRecord): number {
  let size = body?.byteLength ?? 0
  for (const [name, value] of Object.entries(headers)) size += name.length + String(value).length
  return size
}
