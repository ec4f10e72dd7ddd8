import { checkSpan, type Remembered, type ReplayStore } from '../../auth/replay-store.js'
import { type Clock, systemClock } from '../../clock.js'
import { checkInteger, checkKnown, checkMethods } from '../../options.js'
import { deadlineHeap } from './deadline-heap.js'

/** Settings of a memory replay store. */
export interface MemoryReplayStoreOptions {
  /** The most ids at a time. Default 200000. */
  readonly maxEntries?: number
  /** The most ids of one source at a time. Default 50000. */
  readonly maxEntriesPerSource?: number
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What holds where nothing else is said. */
export const MEMORY_REPLAY_DEFAULTS = { maxEntries: 200_000, maxEntriesPerSource: 50_000 } as const

/**
 * Remembers in this process what may be used once: for one process, and until it ends.
 *
 * Nothing is forgotten before its time. When there is no room, in all or in a source's share, the newcomer is refused.
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxEntries, maxEntriesPerSource, clock } = settings(options)
  const shares = new Map<string, Map<string, number>>()
  const endings = deadlineHeap<Entry>()
  let size = 0

  return {
    remember(id, source, milliseconds): Remembered {
      checkSpan(milliseconds)
      const now = clock.now()
      sweep(now, SWEEP)
      if ((shares.get(source)?.get(id) ?? 0) > now) return 'seen'
      // Ended ids refuse nobody: each is swept once, so what this takes was saved before.
      if (isFull(source)) sweep(now, Infinity)
      if (isFull(source)) return 'full'
      keep({ id, source, expires: now + milliseconds })
      return 'fresh'
    },
  }

  function isFull(source: string): boolean {
    return size >= maxEntries || (shares.get(source)?.size ?? 0) >= maxEntriesPerSource
  }

  function keep(entry: Entry): void {
    const share = shares.get(entry.source)
    if (share === undefined) shares.set(entry.source, new Map([[entry.id, entry.expires]]))
    else share.set(entry.id, entry.expires)
    endings.add(entry)
    size += 1
  }

  function sweep(now: number, most: number): void {
    for (let count = 0; count < most; count += 1) {
      const ended = endings.takeDue(now)
      if (ended === undefined) return
      forget(ended)
    }
  }

  function forget({ id, source, expires }: Entry): void {
    size -= 1
    const share = shares.get(source)
    // An id that ended and came again has a later end.
    if (share?.get(id) === expires) share.delete(id)
    if (share?.size === 0) shares.delete(source)
  }
}

interface Entry {
  readonly id: string
  readonly source: string
  readonly expires: number
}

/** How many ended ids a call removes: more than the one it adds, few enough to be no pause. */
const SWEEP = 16

function settings(options: MemoryReplayStoreOptions): Required<MemoryReplayStoreOptions> {
  checkKnown('memoryReplayStore', options, ['maxEntries', 'maxEntriesPerSource', 'clock'])
  const all = { ...MEMORY_REPLAY_DEFAULTS, clock: systemClock, ...options }
  checkInteger('memoryReplayStore: maxEntries', all.maxEntries)
  checkInteger('memoryReplayStore: maxEntriesPerSource', all.maxEntriesPerSource)
  checkMethods('memoryReplayStore: clock', all.clock, ['now', 'after'])
  return all
}
