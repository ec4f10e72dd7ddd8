import { isDeepStrictEqual } from 'node:util'
import type {
  ClaimVerdict,
  CompletionVerdict,
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyStore,
} from '../../idempotency/store.js'
import { deadlineQueue } from './deadline-queue.js'
import { BARE_CELL, checkOptions, type MemoryIdempotencyStoreOptions } from './idempotency-options.js'
import { type Shared, shareTable } from './idempotency-shares.js'

/**
 * Keeps idempotency keys in this process: for one process, and until it ends.
 *
 * Bounded in entries and bytes, for each caller and for all. When it is full it refuses new keys rather than forget one
 * that is in progress or still promised: forgetting would let an effect happen twice.
 */
export function memoryIdempotencyStore(options: MemoryIdempotencyStoreOptions = {}): IdempotencyStore {
  const { maxEntries, maxBytes, maxEntriesPerShare, maxBytesPerShare, olderKeys, clock } =
    checkOptions(options)
  const cells = new Map<string, Cell>()
  const deadlines = deadlineQueue<Cell>()
  const shares = shareTable<Cell>(maxEntriesPerShare, maxBytesPerShare)
  const start = clock.now()
  let bytes = 0
  let lastFence = 0

  const drop = (cell: Cell): void => {
    cells.delete(cell.name)
    deadlines.remove(cell)
    shares.remove(cell)
    bytes -= cell.bytes
  }
  const sweep = (now: number): void => {
    for (let count = 0; count < SWEEP; count += 1) {
      const ended = deadlines.due(now)
      if (ended === undefined) return
      drop(ended)
    }
  }
  /** Whether the share takes a new cell, once its own oldest that have ended are gone. */
  const hasPlace = (share: string, now: number): boolean => {
    while (!shares.hasRoom(share, 1, BARE_CELL)) {
      const oldest = shares.oldest(share)
      if (oldest === undefined || oldest.expires > now) return false
      drop(oldest)
    }
    return true
  }
  const find = (name: string, now: number): Cell | undefined => {
    const cell = cells.get(name)
    return cell === undefined || cell.expires <= now ? undefined : cell
  }
  const owned = (name: string, fence: number, now: number): Cell | undefined => {
    const cell = find(name, now)
    return cell?.fence === fence ? cell : undefined
  }
  /** Lets the lease end `lease` from now, and the cell its retention later. */
  const hold = (cell: Cell, lease: number, now: number): void => {
    deadlines.remove(cell)
    cell.leaseEnds = now + lease
    cell.span = lease + cell.retention
    cell.expires = now + cell.span
    deadlines.add(cell)
    shares.touch(cell)
  }
  const isForgotten = ({ keyTime, retention }: IdempotencyClaim, now: number): boolean =>
    olderKeys === 'refuse' && keyTime !== undefined && (keyTime < start || keyTime < now - retention)

  const win = (cell: Cell, claim: IdempotencyClaim, now: number, takeover: boolean): ClaimVerdict => {
    lastFence += 1
    cell.fence = lastFence
    cell.owner = claim.owner
    cell.retention = claim.retention
    cell.state = claim.barrier === 'now' ? 'executing' : 'claimed'
    hold(cell, claim.lease, now)
    return { state: 'won', fence: cell.fence, takeover }
  }

  const claim = (name: string, init: IdempotencyClaim): ClaimVerdict => {
    const now = clock.now()
    sweep(now)
    const cell = cells.get(name)
    if (cell !== undefined && cell.expires > now) return reclaim(cell, init, now)
    if (cell !== undefined) drop(cell)
    if (isForgotten(init, now)) return { state: 'amnesia' }
    if (!hasPlace(init.share, now)) {
      return { state: 'share-full', remaining: remainingOf(shares.oldest(init.share), now) }
    }
    if (cells.size >= maxEntries || bytes + BARE_CELL > maxBytes)
      return { state: 'full', remaining: Math.max(0, deadlines.next() - now) }
    const created = newCell(name, init)
    cells.set(name, created)
    shares.add(created)
    bytes += created.bytes
    return win(created, init, now, false)
  }

  const reclaim = (cell: Cell, init: IdempotencyClaim, now: number): ClaimVerdict => {
    if (cell.fingerprint !== init.fingerprint) return { state: 'mismatch' }
    if (cell.record !== undefined) return { state: 'done', record: copyOf(cell.record) }
    if (cell.owner === init.owner) {
      hold(cell, init.lease, now)
      return { state: 'won', fence: cell.fence, takeover: false }
    }
    if (cell.leaseEnds > now) return { state: 'busy', remaining: cell.leaseEnds - now }
    return cell.state === 'executing' ? { state: 'unknown' } : win(cell, init, now, true)
  }

  const extend = (name: string, fence: number, lease: number, state?: 'executing'): boolean => {
    const now = clock.now()
    const cell = owned(name, fence, now)
    if (cell === undefined || cell.record !== undefined) return false
    if (state !== undefined) cell.state = state
    hold(cell, lease, now)
    return true
  }

  const complete = (
    name: string,
    fence: number,
    record: IdempotencyRecord,
    retention: number,
  ): CompletionVerdict => {
    const now = clock.now()
    const cell = owned(name, fence, now)
    if (cell === undefined) return 'stale'
    if (cell.record !== undefined) return isDeepStrictEqual(cell.record, copyOf(record)) ? 'stored' : 'stale'
    const size = sizeOf(record)
    const fits = bytes + size <= maxBytes && shares.hasRoom(cell.share, 0, size)
    if (!fits && record.outcome === 'answered') return 'full'
    bytes += size
    shares.grow(cell, size)
    cell.bytes += size
    cell.record = copyOf(record)
    cell.retention = retention
    hold(cell, 0, now)
    return 'stored'
  }

  const free = (cell: Cell | undefined): boolean => {
    if (cell === undefined || cell.record !== undefined) return false
    drop(cell)
    return true
  }

  const release = (name: string, fence: number): boolean => {
    const cell = owned(name, fence, clock.now())
    return cell?.state === 'claimed' && free(cell)
  }

  const withdraw = (name: string, owner: string): boolean => {
    const cell = find(name, clock.now())
    return cell?.owner === owner && free(cell)
  }

  return {
    claim: (name, init) => Promise.resolve(claim(name, init)),
    begin: (name, fence, lease) => Promise.resolve(extend(name, fence, lease, 'executing')),
    renew: (name, fence, lease) => Promise.resolve(extend(name, fence, lease)),
    complete: (name, fence, record, retention) => Promise.resolve(complete(name, fence, record, retention)),
    release: (name, fence) => Promise.resolve(release(name, fence)),
    withdraw: (name, owner) => Promise.resolve(withdraw(name, owner)),
  }
}

interface Cell extends Shared<Cell> {
  readonly name: string
  readonly fingerprint: string
  state: 'claimed' | 'executing'
  fence: number
  owner: string
  leaseEnds: number
  retention: number
  span: number
  expires: number
  bytes: number
  /** Final: once it is there it never changes. */
  record: IdempotencyRecord | undefined
}

/** How many ended cells a claim removes: more than the one it adds, few enough to be no pause. */
const SWEEP = 16

function remainingOf(cell: Cell | undefined, now: number): number {
  return cell === undefined ? 0 : Math.max(0, cell.expires - now)
}

function newCell(name: string, { share, fingerprint }: IdempotencyClaim): Cell {
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
 * A record of its own: the caller's bytes may be a buffer that is used again. Not a Buffer: a small one is a piece
 * of a pool, and the whole would stay as long as the record.
 */
function copyOf(record: IdempotencyRecord): IdempotencyRecord {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(record.headers)) {
    headers[name] = typeof value === 'string' ? value : [...value]
  }
  return { ...record, headers, body: record.body === null ? null : new Uint8Array(record.body) }
}

function sizeOf({ headers, body }: IdempotencyRecord): number {
  let size = body?.byteLength ?? 0
  for (const [name, value] of Object.entries(headers)) size += name.length + String(value).length
  return size
}
