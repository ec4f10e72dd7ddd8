import type {
  ClaimVerdict,
  CompletionVerdict,
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyStore,
} from '../../idempotency/store.js'
import { type Cell, copyOf, isSameRecord, judgeClaim, newCell, sizeOf } from './idempotency-cell.js'
import { cellTable } from './idempotency-cells.js'
import { checkOptions, type MemoryIdempotencyStoreOptions } from './idempotency-options.js'

/**
 * Keeps idempotency keys in this process: for one process, and until it ends.
 *
 * Bounded in entries and bytes, for each caller and for all. When it is full it refuses new keys rather than forget one
 * that is in progress or still promised: forgetting would let an effect happen twice.
 */
export function memoryIdempotencyStore(options: MemoryIdempotencyStoreOptions = {}): IdempotencyStore {
  const { olderKeys, clock, ...bounds } = checkOptions(options)
  const cells = cellTable(bounds)
  const start = clock.now()
  let lastFence = 0

  return {
    claim: (name, init) => Promise.resolve(claim(name, init, clock.now())),
    begin: (name, fence, lease) => Promise.resolve(extend(name, fence, lease, 'executing')),
    renew: (name, fence, lease) => Promise.resolve(extend(name, fence, lease)),
    complete: (name, fence, record, retention) => Promise.resolve(complete(name, fence, record, retention)),
    release(name, fence) {
      const cell = owned(name, fence, clock.now())
      return Promise.resolve(cell?.state === 'claimed' && free(cell))
    },
    withdraw(name, owner) {
      const cell = cells.find(name, clock.now())
      return Promise.resolve(cell?.owner === owner && free(cell))
    },
  }

  function claim(name: string, init: IdempotencyClaim, now: number): ClaimVerdict {
    cells.sweep(now)
    const cell = cells.find(name, now)
    if (cell === undefined) return open(name, init, now)
    const judged = judgeClaim(cell, init, now)
    if (judged === 'lapsed') return win(cell, init, now, true)
    if (judged !== 'again') return judged
    cells.hold(cell, init.lease, now)
    return { state: 'won', fence: cell.fence, takeover: false }
  }

  function open(name: string, init: IdempotencyClaim, now: number): ClaimVerdict {
    if (isForgotten(init, now)) return { state: 'amnesia' }
    const refused = cells.lackOfRoom(init.share, now)
    if (refused !== undefined) return refused
    const cell = newCell(name, init)
    cells.add(cell)
    return win(cell, init, now, false)
  }

  /** Whether a key may have been used in a time that this store does not remember. */
  function isForgotten({ keyTime, retention }: IdempotencyClaim, now: number): boolean {
    return olderKeys === 'refuse' && keyTime !== undefined && (keyTime < start || keyTime < now - retention)
  }

  function win(
    cell: Cell,
    { owner, retention, barrier, lease }: IdempotencyClaim,
    now: number,
    takeover: boolean,
  ): ClaimVerdict {
    lastFence += 1
    cell.fence = lastFence
    cell.owner = owner
    cell.retention = retention
    cell.state = barrier === 'now' ? 'executing' : 'claimed'
    cells.hold(cell, lease, now)
    return { state: 'won', fence: lastFence, takeover }
  }

  function owned(name: string, fence: number, now: number): Cell | undefined {
    const cell = cells.find(name, now)
    return cell?.fence === fence ? cell : undefined
  }

  function extend(name: string, fence: number, lease: number, state?: 'executing'): boolean {
    const now = clock.now()
    const cell = owned(name, fence, now)
    if (cell === undefined || cell.record !== undefined) return false
    if (state !== undefined) cell.state = state
    cells.hold(cell, lease, now)
    return true
  }

  function complete(
    name: string,
    fence: number,
    record: IdempotencyRecord,
    retention: number,
  ): CompletionVerdict {
    const now = clock.now()
    const cell = owned(name, fence, now)
    if (cell === undefined) return 'stale'
    if (cell.record !== undefined) return isSameRecord(cell.record, record) ? 'stored' : 'stale'
    const size = sizeOf(record)
    // What says only that there was an effect always has room.
    if (record.outcome !== 'answered') cells.charge(cell, size)
    else if (!cells.grow(cell, size)) return 'full'
    cell.record = copyOf(record)
    cell.retention = retention
    cells.hold(cell, 0, now)
    return 'stored'
  }

  function free(cell: Cell): boolean {
    if (cell.record !== undefined) return false
    cells.drop(cell)
    return true
  }
}
