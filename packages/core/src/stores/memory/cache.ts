import type { CacheStore, CacheLookup, SelectVariant, StoredAnswer } from '../../cache/store.js'
import { type Clock, systemClock } from '../../clock.js'
import { checkInteger, checkKnown, checkMethods } from '../../options.js'
import { cacheEntries, type CacheEntry } from './cache-entries.js'
import { elapsedTime } from './elapsed-time.js'
import { tagStamps } from './tag-stamps.js'

/** Settings of {@link memoryCacheStore}. */
export interface MemoryCacheStoreOptions {
  /** The most bytes that all entries may take, with their fields and keys. Default 64 MiB (67108864). */
  readonly maxBytes?: number
  /** The most variants of one key; the least recently used gives way. Default 32. */
  readonly maxVariants?: number
  /** The most invalidated tags that are remembered, about 150 bytes each. Default 65536. */
  readonly maxTags?: number
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What {@link memoryCacheStore} does where nothing is said. */
export const MEMORY_CACHE_DEFAULTS = { maxBytes: 67_108_864, maxVariants: 32, maxTags: 65_536 } as const

type MissReason = Extract<CacheLookup, { state: 'miss' }>['reason']

/**
 * Keeps answers in this process, bounded by bytes. Nothing outlives the process, and no other process hears of an
 * invalidation.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function memoryCacheStore(options: MemoryCacheStoreOptions = {}): CacheStore {
  checkKnown('memoryCacheStore', options, ['maxBytes', 'maxVariants', 'maxTags', 'clock'])
  const { clock = systemClock, maxBytes = MEMORY_CACHE_DEFAULTS.maxBytes } = options
  const { maxVariants = MEMORY_CACHE_DEFAULTS.maxVariants, maxTags = MEMORY_CACHE_DEFAULTS.maxTags } = options
  checkMethods('memoryCacheStore: clock', clock, ['now'])
  checkInteger('memoryCacheStore: maxBytes', maxBytes)
  checkInteger('memoryCacheStore: maxVariants', maxVariants)
  checkInteger('memoryCacheStore: maxTags', maxTags)

  const elapsed = elapsedTime(clock)
  const entries = cacheEntries(maxBytes, maxVariants)
  const stamps = tagStamps(maxTags)

  const isInvalidated = (entry: CacheEntry): boolean => {
    const current = stamps.current()
    if (entry.compared === current) return false
    if (stamps.isOvertaken(entry.tags, entry.ticket)) return true
    entry.compared = current
    return false
  }

  /** What is found dead is removed. */
  const find = (key: string, select: SelectVariant, now: number): CacheEntry | MissReason => {
    let stale = false
    for (const entry of entries.selected(key, select)) {
      const invalidated = isInvalidated(entry)
      if (!invalidated && entry.expiresAt > now) return entry
      stale ||= !invalidated
      entries.remove(entry)
    }
    return stale ? 'stale' : entries.has(key) ? 'vary-miss' : 'uri-miss'
  }

  return {
    lookup(keys, select) {
      const now = elapsed()
      const ticket = String(stamps.current())
      let reason: MissReason = 'uri-miss'
      for (const key of keys) {
        const found = find(key, select, now)
        if (typeof found !== 'string') {
          entries.touch(found)
          return { state: 'hit', ticket, answer: found.answer, residence: now - found.storedAt }
        }
        if (reason === 'uri-miss') reason = found
      }
      return { state: 'miss', ticket, reason }
    },

    fill(key, ticket, { vary, variant, tags, keep, answer }) {
      const drawn = Number(ticket)
      if (stamps.isOvertaken(tags, drawn)) return 'overtaken'
      const now = elapsed()
      const stored = entries.put({
        key,
        vary,
        variant,
        tags,
        ticket: drawn,
        answer: ownCopy(answer),
        storedAt: now,
        expiresAt: now + keep,
        compared: stamps.current(),
      })
      return stored ? 'stored' : 'too-large'
    },

    invalidate: (tags) => stamps.stamp(tags),
  }
}

/**
 * The answer with bytes of its own: a handler may reuse its buffer, and a small slice would keep the whole pool it
 * was cut from alive, uncounted.
 */
function ownCopy(answer: StoredAnswer): StoredAnswer {
  if (answer.body === null) return answer
  const body = Buffer.allocUnsafeSlow(answer.body.byteLength)
  body.set(answer.body)
  return { ...answer, body }
}
