import { LRUCache } from 'lru-cache'
import type { SelectVariant, StoredAnswer } from '../../cache/store.js'

/** One stored variant of a key. */
export interface CacheEntry {
  readonly key: string
  readonly vary: readonly string[]
  readonly variant: string
  readonly tags: readonly string[]
  readonly ticket: number
  readonly answer: StoredAnswer
  /** In the store's own time. */
  readonly storedAt: number
  readonly expiresAt: number
  /** The counter of stamps when the tags were last compared: until it moves, nothing can have changed. */
  compared: number
}

/** The entries of a cache, bounded by bytes in all and by number for each key. */
export interface CacheEntries {
  has(key: string): boolean
  /** The entries of a key that a request selects: those with a `Vary` first, of each kind the latest first. */
  selected(key: string, select: SelectVariant): readonly CacheEntry[]
  /** Marks an entry as used. */
  touch(entry: CacheEntry): void
  remove(entry: CacheEntry): void
  /** Puts an entry in the place of the same variant. False when it is larger than everything may be. */
  put(entry: CacheEntry): boolean
}

/** What an entry takes beside its content, fields and digests: objects and map slots. Rather too much. */
const ENTRY_BYTES = 1_024

/** A digest and its map slot. */
const DIGEST_BYTES = 100

interface Slot {
  readonly entry: CacheEntry
  readonly list: string
  used: number
}

/** Makes a table of entries. The least recently used give way. */
export function cacheEntries(maxBytes: number, maxVariants: number): CacheEntries {
  // Of each key the latest fill first. A key is here as long as one of its entries is.
  const keys = new Map<string, Slot[]>()
  const slots = new LRUCache<CacheEntry, Slot>({ maxSize: maxBytes, dispose: (slot) => unlink(keys, slot) })
  let uses = 0

  return {
    has: (key) => keys.has(key),
    selected(key, select) {
      const found: CacheEntry[] = []
      let list = ''
      let variant = ''
      for (const slot of keys.get(key) ?? []) {
        // As a rule all entries of a key have the same list: one digest serves them all.
        if (slot.list !== list) variant = select(slot.entry.vary)
        list = slot.list
        if (slot.entry.variant === variant) found.push(slot.entry)
      }
      return found.length < 2
        ? found
        : found.toSorted((a, b) => Number(b.variant !== '') - Number(a.variant !== ''))
    },
    touch(entry) {
      const slot = slots.get(entry)
      if (slot !== undefined) slot.used = uses += 1
    },
    remove(entry) {
      slots.delete(entry)
    },
    put(entry) {
      const size = bytesOf(entry)
      if (size > maxBytes) return false
      const slot: Slot = { entry, list: entry.vary.join(','), used: (uses += 1) }
      const replaced = keys.get(entry.key)?.find((other) => isSameVariant(other, slot))
      if (replaced !== undefined) slots.delete(replaced.entry)
      const others = keys.get(entry.key) ?? []
      if (others.length >= maxVariants) slots.delete(leastUsed(others).entry)
      keys.set(entry.key, [slot, ...(keys.get(entry.key) ?? [])])
      slots.set(entry, slot, { size })
      return true
    },
  }
}

function isSameVariant(one: Slot, other: Slot): boolean {
  return one.entry.variant === other.entry.variant && one.list === other.list
}

function unlink(keys: Map<string, Slot[]>, { entry }: Slot): void {
  const left = (keys.get(entry.key) ?? []).filter((slot) => slot.entry !== entry)
  if (left.length === 0) keys.delete(entry.key)
  else keys.set(entry.key, left)
}

function leastUsed(slots: readonly Slot[]): Slot {
  return slots.reduce((least, slot) => (slot.used < least.used ? slot : least))
}

function bytesOf({ answer, tags, vary }: CacheEntry): number {
  const fields = JSON.stringify(answer.headers).length + vary.join().length
  return ENTRY_BYTES + tags.length * DIGEST_BYTES + 2 * fields + (answer.body?.byteLength ?? 0)
}
