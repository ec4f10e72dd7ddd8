import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.js'
import { isPromise } from '../deadline.js'
import { type ApiKeyLookup, type ApiKeyRecord, frozenRecord, isRecord } from './api-key-record.js'

/** How answers of a lookup are remembered. */
export interface ApiKeyCacheSettings {
  readonly clock: Clock
  /** How long a running lookup is joined, in milliseconds: one that hangs must not outlive its cause. */
  readonly deadline: number
  /** Milliseconds. */
  readonly ttl: number
  readonly maxEntries: number
  /** How long past `ttl` a key that was found is taken while lookups fail, in milliseconds. */
  readonly maxStale: number
  /** `later`: only what came as a promise. What is given at once is at hand anyway. */
  readonly answers: 'all' | 'later'
}

/** A lookup that remembers. */
export interface RememberingLookup {
  readonly lookup: ApiKeyLookup
  /** Drops what is known of a digest; without one, everything. A lookup that runs meanwhile is not remembered. */
  forget(digest?: string): void
}

/** Unknown keys: few and short, in a cache of their own, so that junk pushes out no good key. */
const UNKNOWN = { ttl: 5_000, max: 1_000 } as const

/** Lookups that can be joined: one that never ends would stay for ever. */
const MOST_ASKED = 1_000

interface Entry {
  readonly record: ApiKeyRecord | undefined
  readonly since: number
}

interface Asking {
  readonly answer: Promise<ApiKeyRecord | undefined>
  readonly since: number
}

/** Remembers the answers of a lookup by digest. Requests that ask for one digest at the same time share a lookup. */
export function rememberLookups(lookup: ApiKeyLookup, settings: ApiKeyCacheSettings): RememberingLookup {
  const { clock, ttl, maxStale, deadline, answers } = settings
  const known = new LRUCache<string, Entry>({ max: settings.maxEntries })
  const unknown = new LRUCache<string, Entry>({ max: UNKNOWN.max })
  const asking = new LRUCache<string, Asking>({ max: MOST_ASKED })
  let forgotten = 0

  return {
    lookup(query) {
      const { digest } = query
      const now = clock.now()
      const entry = current(known.get(digest), now, ttl) ?? current(unknown.get(digest), now, UNKNOWN.ttl)
      if (entry !== undefined) return entry.record
      const running = current(asking.get(digest), now, deadline)
      if (running !== undefined) return running.answer

      const before = forgotten
      // What was asked for in a time that has not come yet is from before the clock stepped back.
      const isNewer = (other?: Entry): boolean =>
        other !== undefined && other.since > now && other.since <= clock.now()
      const remember = (record: ApiKeyRecord | undefined): ApiKeyRecord | undefined => {
        // Its answer may be older than the change it was told to forget.
        if (before !== forgotten || (record !== undefined && !isRecord(record))) return record
        const kept = record && frozenRecord(record)
        // A lookup that took long must not undo what a later one found.
        if (isNewer(known.peek(digest)) || isNewer(unknown.peek(digest))) return kept
        // Found by id, but not the key: it must not push out good keys either.
        const isKey = kept?.digest === digest
        if (!isKey) known.delete(digest)
        ;(isKey ? known : unknown).set(digest, { record: kept, since: now })
        return kept
      }
      const fallBack = (error: unknown): ApiKeyRecord | undefined => {
        const stale = current(known.get(digest), clock.now(), ttl + maxStale)
        if (stale === undefined) throw error
        return stale.record
      }
      const found = lookup(query)
      if (!isPromise(found)) return answers === 'all' ? remember(found) : found
      const mine: Asking = {
        answer: Promise.resolve(found).then(remember, fallBack).finally(done),
        since: now,
      }
      asking.set(digest, mine)
      return mine.answer

      function done(): void {
        if (asking.get(digest) === mine) asking.delete(digest)
      }
    },
    forget(digest) {
      forgotten += 1
      if (digest === undefined) {
        known.clear()
        unknown.clear()
        asking.clear()
        return
      }
      known.delete(digest)
      unknown.delete(digest)
      asking.delete(digest)
    },
  }
}

/** A clock that stepped back must not lengthen an entry's life. */
function current<E extends { since: number }>(entry: E | undefined, now: number, ttl: number): E | undefined {
  return entry !== undefined && now >= entry.since && now - entry.since < ttl ? entry : undefined
}
