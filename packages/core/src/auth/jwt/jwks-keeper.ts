import type { Clock } from '../../clock.js'
import type { TokenAlgorithm } from './algorithms.js'
import type { KeySet } from './key-set.js'
import type { FoundKey, KeysAway, KeySource } from './key-source.js'

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

/** How a keeper of keys is doing. */
export interface KeySetStatus {
  readonly state: KeySetState
  /** Rises when a key was removed or changed. */
  readonly generation: number
  /** How many keys it holds; a key for two algorithms counts twice. */
  readonly keys: number
  /** Milliseconds since the fetch that brought them; undefined before the first. */
  readonly age: number | undefined
  /** Milliseconds since the last attempt ended; undefined before that. */
  readonly lastAttempt: number | undefined
  /** Undefined when the last attempt succeeded. */
  readonly lastFailure: FetchFailure | undefined
}

/** What a keeper tells: the outcome of an attempt. */
export interface KeeperEvent {
  readonly type: 'keys.fetched' | 'keys.failed'
  readonly failure: FetchFailure | undefined
  readonly state: KeySetState
  /** The state before the attempt: where it differs, service changed. */
  readonly before: KeySetState
  readonly generation: number
}

/** What a keeper needs. Times are milliseconds. */
export interface KeeperSettings {
  readonly clock: Clock
  readonly maxAge: number
  readonly maxStale: number
  readonly cooldown: number
  /** Fetches and imports; keys of `previous` that did not change keep their record. */
  readonly load: (previous: KeySet | undefined) => Promise<KeySet | FetchFailure>
  /** A number from 0 up to 1: spreads the fetches of many processes. */
  readonly random: () => number
  readonly report: (event: KeeperEvent) => void
}

/** Keeps the keys of an issuer at hand. */
export interface JwksKeeper extends KeySource {
  status(): KeySetStatus
  /** Ends the refreshing. */
  close(): void
}

/** The first wait after a failure; each further one is twice as long, up to the cooldown. */
const FIRST_BACKOFF = 1_000
/** Jitter must not make a wait vanish. */
const LEAST_BACKOFF = 100

/**
 * Keeps a key set. Keys it knows never wait for a fetch. There are two lanes that share one flight: the refresh, by
 * timer and without traffic; and the demand of unknown key ids, limited by time alone, so that a flood of them can
 * only hasten a rotation.
 */
export function keepKeys(settings: KeeperSettings): JwksKeeper {
  const { clock, maxAge, maxStale, cooldown, load, random, report } = settings
  let set: KeySet | undefined
  let generation = 0
  let fetchedAt = 0
  let attemptedAt: number | undefined
  let demandedAt: number | undefined
  let lastFailure: FetchFailure | undefined
  let failures = 0
  let announced: KeySetState = 'away'
  let nextAt = 0
  let cancelRefresh = nothing
  let inFlight: Promise<void> | undefined
  let closed = false
  void attempt()

  return {
    find(kid, algorithm) {
      if (stateOf(clock.now()) !== 'away') {
        return set?.find(kid, algorithm) ?? waitFor(demand(), kid, algorithm)
      }
      // Too old and no attempt failed: the process was suspended. Nothing is served before one was made.
      const overdue = set !== undefined && lastFailure === undefined
      return waitFor(overdue ? attempt() : demand(), kid, algorithm)
    },
    isCurrent: () => stateOf(clock.now()) !== 'away',
    status() {
      const now = clock.now()
      const age = set === undefined ? undefined : ageAt(now)
      const lastAttempt = attemptedAt === undefined ? undefined : Math.max(0, now - attemptedAt)
      return {
        state: stateOf(now),
        generation,
        keys: set?.records.length ?? 0,
        age,
        lastAttempt,
        lastFailure,
      }
    },
    close() {
      closed = true
      cancelRefresh()
    },
  }

  function waitFor(
    tried: Promise<void> | undefined,
    kid: string | undefined,
    algorithm: TokenAlgorithm,
  ): FoundKey | Promise<FoundKey> {
    return tried === undefined ? decide(kid, algorithm) : tried.then(() => decide(kid, algorithm))
  }

  /** Who could not ask can't know that a key does not exist. */
  function decide(kid: string | undefined, algorithm: TokenAlgorithm): FoundKey {
    const found = stateOf(clock.now()) === 'away' ? undefined : set?.find(kid, algorithm)
    if (found !== undefined) return found
    return set === undefined || lastFailure !== undefined || closed ? away() : 'unknown'
  }

  /** The lane of unknown key ids: joins a running fetch, or starts one when the cooldown is over. */
  function demand(): Promise<void> | undefined {
    if (inFlight !== undefined) return inFlight
    const now = clock.now()
    // A clock that stepped back must not lengthen the cooldown.
    if (demandedAt !== undefined && now >= demandedAt && now - demandedAt < cooldown) return undefined
    demandedAt = now
    return attempt()
  }

  function attempt(): Promise<void> | undefined {
    if (closed) return undefined
    inFlight ??= fetchOnce().finally(() => (inFlight = undefined))
    return inFlight
  }

  async function fetchOnce(): Promise<void> {
    cancelRefresh()
    const startedAt = clock.now()
    const loaded = await load(set).catch((): FetchFailure => 'malformed')
    attemptedAt = clock.now()
    lastFailure = typeof loaded === 'string' ? loaded : undefined
    if (typeof loaded === 'string') failures += 1
    else accept(loaded, startedAt)
    scheduleRefresh()
    announce()
  }

  /** The age counts from the request: what the answer says was true then or later. */
  function accept(loaded: KeySet, startedAt: number): void {
    const kept = new Set(loaded.records)
    const gone = set?.records.filter((record) => !kept.has(record)) ?? []
    for (const record of gone) record.retired = true
    if (gone.length > 0) generation += 1
    set = loaded
    fetchedAt = startedAt
    failures = 0
  }

  function scheduleRefresh(): void {
    if (closed) return
    const backoff = Math.min(cooldown, FIRST_BACKOFF * 2 ** (failures - 1))
    const delay =
      failures === 0 ? maxAge * (0.8 - 0.1 * random()) : Math.max(LEAST_BACKOFF, backoff * random())
    nextAt = clock.now() + delay
    cancelRefresh = clock.after(delay, () => void attempt())
  }

  function announce(): void {
    const before = announced
    announced = stateOf(clock.now())
    const type = lastFailure === undefined ? 'keys.fetched' : 'keys.failed'
    report({ type, failure: lastFailure, state: announced, before, generation })
  }

  function stateOf(now: number): KeySetState {
    if (set === undefined) return 'away'
    const age = ageAt(now)
    if (age <= maxAge) return 'fresh'
    return lastFailure !== undefined && age <= maxAge + maxStale ? 'stale' : 'away'
  }

  /** A clock that stepped back must not lengthen the keys' life by as much. */
  function ageAt(now: number): number {
    fetchedAt = Math.min(fetchedAt, now)
    return now - fetchedAt
  }

  function away(): KeysAway {
    return { retryAfter: Math.min(cooldown, Math.max(1_000, nextAt - clock.now())) }
  }
}

function nothing(): void {}
