import type { TokenAlgorithm } from './algorithms.js'
import type { KeyRecord } from './key-record.js'
import type { KeySet } from './key-set.js'

/** Why the keys could not be fetched. */
export type FetchFailure =
  | 'network'
  | 'deadline'
  /** Any status but 200; redirects are not followed. */
  | 'status'
  | 'too-large'
  /** No JSON, no key set, or no key in it that can be used. */
  | 'malformed'

/** `fresh`: younger than `maxAge`. `stale`: served within its grace while fetches fail. `away`: 503. */
export type KeySetState = 'fresh' | 'stale' | 'away'

/** A key set, how old it is, and how the attempts to renew it ended. Times are milliseconds. */
export interface KeptKeys {
  /** The last one that was fetched; undefined before the first. */
  readonly set: KeySet | undefined
  /** Rises when a key was removed or changed. */
  readonly generation: number
  /** Undefined when the last attempt succeeded, and before the first. */
  readonly lastFailure: FetchFailure | undefined
  /** Attempts that failed since the last that did not. */
  readonly failures: number
  state(now: number): KeySetState
  /** Milliseconds since the fetch that brought the set was begun; undefined before the first. */
  age(now: number): number | undefined
  /** A key, unless the set is too old. */
  find(kid: string | undefined, algorithm: TokenAlgorithm, now: number): KeyRecord | undefined
  /** Takes what an attempt brought. Keys that are gone are retired. */
  take(fetched: KeySet | FetchFailure, startedAt: number): void
}

/** Keeps a set for `maxAge`, and for `maxStale` beyond that while attempts fail. */
export function keptKeys(maxAge: number, maxStale: number): KeptKeys {
  let set: KeySet | undefined
  let generation = 0
  let fetchedAt = 0
  let lastFailure: FetchFailure | undefined
  let failures = 0

  return {
    get set() {
      return set
    },
    get generation() {
      return generation
    },
    get lastFailure() {
      return lastFailure
    },
    get failures() {
      return failures
    },
    state,
    age,
    find: (kid, algorithm, now) => (state(now) === 'away' ? undefined : set?.find(kid, algorithm)),
    take(fetched, startedAt) {
      if (typeof fetched === 'string') {
        lastFailure = fetched
        failures += 1
        return
      }
      if (retire(set, fetched)) generation += 1
      set = fetched
      // It counts from the request: what the answer says was true then or later.
      fetchedAt = startedAt
      lastFailure = undefined
      failures = 0
    },
  }

  function state(now: number): KeySetState {
    const known = age(now)
    if (known === undefined) return 'away'
    if (known <= maxAge) return 'fresh'
    return lastFailure !== undefined && known <= maxAge + maxStale ? 'stale' : 'away'
  }

  /** A clock that stepped back must not lengthen the keys' life by as much. */
  function age(now: number): number | undefined {
    if (set === undefined) return undefined
    fetchedAt = Math.min(fetchedAt, now)
    return now - fetchedAt
  }
}

/** Marks the keys that are in a set no more, and says whether there are any. */
function retire(before: KeySet | undefined, after: KeySet): boolean {
  const kept = new Set(after.records)
  const gone = before?.records.filter((record) => !kept.has(record)) ?? []
  for (const record of gone) record.retired = true
  return gone.length > 0
}
