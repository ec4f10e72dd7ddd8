import type { ClaimVerdict } from '../../idempotency/store.js'
import { deadlineQueue } from './deadline-queue.js'
import type { Cell } from './idempotency-cell.js'
import { BARE_CELL } from './idempotency-options.js'
import { shareTable } from './idempotency-shares.js'

/** How much cells may take: in all, and of one share. */
export interface CellBounds {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxEntriesPerShare: number
  readonly maxBytesPerShare: number
}

/** Why there is no room for another cell. */
export type NoRoom = Extract<ClaimVerdict, { state: 'share-full' | 'full' }>

/** The cells of a store. It alone counts what they take and knows when they end. */
export interface CellTable {
  /** A cell that has not ended. */
  find(name: string, now: number): Cell | undefined
  /** Whether a share takes a new cell, once its own oldest that have ended are gone. */
  lackOfRoom(share: string, now: number): NoRoom | undefined
  add(cell: Cell): void
  /** Lets the lease end `lease` from now, and the cell its retention later. */
  hold(cell: Cell, lease: number, now: number): void
  /** Counts bytes that a cell takes from now on; false, and nothing is counted, where there is no room for them. */
  grow(cell: Cell, bytes: number): boolean
  /** Counts bytes whether there is room for them or not: the little that must be known of an effect. */
  charge(cell: Cell, bytes: number): void
  drop(cell: Cell): void
  /** Drops a few cells that have ended. */
  sweep(now: number): void
}

/** How many ended cells a sweep removes: more than the one a claim adds, few enough to be no pause. */
const SWEEP = 16

/** Makes an empty table. */
export function cellTable(bounds: CellBounds): CellTable {
  const { maxEntries, maxBytes } = bounds
  const cells = new Map<string, Cell>()
  const deadlines = deadlineQueue<Cell>()
  const shares = shareTable<Cell>(bounds.maxEntriesPerShare, bounds.maxBytesPerShare)
  let bytes = 0

  return {
    find(name, now) {
      const cell = cells.get(name)
      if (cell === undefined || cell.expires > now) return cell
      drop(cell)
      return undefined
    },
    lackOfRoom(share, now) {
      while (!shares.hasRoom(share, 1, BARE_CELL)) {
        const oldest = shares.oldest(share)
        if (oldest === undefined || oldest.expires > now) {
          return { state: 'share-full', remaining: oldest === undefined ? 0 : oldest.expires - now }
        }
        drop(oldest)
      }
      if (cells.size < maxEntries && bytes + BARE_CELL <= maxBytes) return undefined
      return { state: 'full', remaining: Math.max(0, deadlines.next() - now) }
    },
    add(cell) {
      cells.set(cell.name, cell)
      shares.add(cell)
      bytes += cell.bytes
    },
    hold(cell, lease, now) {
      deadlines.remove(cell)
      cell.leaseEnds = now + lease
      cell.span = lease + cell.retention
      cell.expires = now + cell.span
      deadlines.add(cell)
      shares.touch(cell)
    },
    grow(cell, more) {
      if (bytes + more > maxBytes || !shares.hasRoom(cell.share, 0, more)) return false
      charge(cell, more)
      return true
    },
    charge,
    drop,
    sweep(now) {
      for (let count = 0; count < SWEEP; count += 1) {
        const ended = deadlines.due(now)
        if (ended === undefined) return
        drop(ended)
      }
    },
  }

  function charge(cell: Cell, more: number): void {
    bytes += more
    shares.grow(cell, more)
    cell.bytes += more
  }

  function drop(cell: Cell): void {
    cells.delete(cell.name)
    deadlines.remove(cell)
    shares.remove(cell)
    bytes -= cell.bytes
  }
}
