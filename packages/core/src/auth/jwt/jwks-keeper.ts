import type { Clock } from '../../clock.js'
import type { TokenAlgorithm } from './algorithms.js'
import { type FetchFailure, keptKeys, type KeySetState } from './kept-keys.js'
import type { KeySet } from './key-set.js'
import type { FoundKey, KeysAway, KeySource } from './key-source.js'
import { refreshDelay } from './refresh-delay.js'

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

/**
 * Keeps a key set. Keys it knows never wait for a fetch. There are two lanes that share one flight: the refresh, by
 * timer and without traffic; and the demand of unknown key ids, limited by time alone, so that a flood of them can
 * only hasten a rotation.
 */
export function keepKeys(settings: KeeperSettings): JwksKeeper {
  const { clock, maxAge, maxStale, cooldown, load, random, report } = settings
  const keys = keptKeys(maxAge, maxStale)
  let attemptedAt: number | undefined
  let demandedAt: number | undefined
  let announced: KeySetState = 'away'
  let nextAt = 0
  let cancelRefresh = nothing
  let inFlight: Promise<void> | undefined
  let closed = false
  void attempt()

  return {
    find(kid, algorithm) {
      const now = clock.now()
      const found = keys.find(kid, algorithm, now)
      if (found !== undefined) return found
      // Too old and no attempt failed: the process was suspended. Nothing is served before one was made.
      const isOverdue = keys.set !== undefined && keys.lastFailure === undefined && keys.state(now) === 'away'
      const tried = isOverdue ? attempt() : demand(now)
      return tried === undefined ? decide(kid, algorithm) : tried.then(() => decide(kid, algorithm))
    },
    isCurrent: () => keys.state(clock.now()) !== 'away',
    status() {
      const now = clock.now()
      return {
        state: keys.state(now),
        generation: keys.generation,
        keys: keys.set?.records.length ?? 0,
        age: keys.age(now),
        lastAttempt: attemptedAt === undefined ? undefined : Math.max(0, now - attemptedAt),
        lastFailure: keys.lastFailure,
      }
    },
    close() {
      closed = true
      cancelRefresh()
    },
  }

  /** Who could not ask can't know that a key does not exist. */
  function decide(kid: string | undefined, algorithm: TokenAlgorithm): FoundKey {
    const found = keys.find(kid, algorithm, clock.now())
    if (found !== undefined) return found
    return keys.set === undefined || keys.lastFailure !== undefined || closed ? away() : 'unknown'
  }

  function away(): KeysAway {
    return { retryAfter: Math.min(cooldown, Math.max(1_000, nextAt - clock.now())) }
  }

  /** The lane of unknown key ids: joins a running fetch, or starts one when the cooldown is over. */
  function demand(now: number): Promise<void> | undefined {
    if (inFlight !== undefined) return inFlight
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
    keys.take(await load(keys.set).catch((): FetchFailure => 'malformed'), startedAt)
    attemptedAt = clock.now()
    scheduleRefresh(attemptedAt)
    announce(attemptedAt)
  }

  function scheduleRefresh(now: number): void {
    if (closed) return
    const delay = refreshDelay(keys.failures, { maxAge, cooldown }, random())
    nextAt = now + delay
    cancelRefresh = clock.after(delay, () => void attempt())
  }

  function announce(now: number): void {
    const before = announced
    announced = keys.state(now)
    const { lastFailure: failure, generation } = keys
    const type = failure === undefined ? 'keys.fetched' : 'keys.failed'
    report({ type, failure, state: announced, before, generation })
  }
}

function nothing(): void {}
