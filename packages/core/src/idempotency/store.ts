import type { Fields } from '../fields.js'

/**
 * Where idempotency keys live. Every method is atomic. Each key has a *cell*:
 *
 * ```
 * (none) --claim deferred--> claimed --begin--> executing --complete--> done, until its retention ends
 *   |  ^                      |  |                 ^
 *   |  |<------release--------+  +--lease lapses: the next claim takes over
 *   +--------------claim now-----------------------+
 * ```
 *
 * Between `claimed` and `executing` stands the effect barrier. A cell whose owner vanished before it is free again; one
 * whose owner vanished past it reads as `unknown` and is never won a second time. `unknown` is not written anywhere:
 * an owner that was only paused may still complete.
 *
 * A *fence* numbers the claims: it rises strictly, over release and expiry too. A call with a fence that is not the
 * cell's changes nothing and says so.
 *
 * An unfinished cell is kept for the retention of its claim from the end of its lease; a finished one for the
 * retention of its completion. After that it is gone as if it never was.
 *
 * Each cell takes from the *share* of one caller, in progress and finished, until it is gone. Shares are bounded in
 * entries and bytes, and what one caller does changes no verdict of another while the store as a whole has room. No
 * cell is forgotten to make room.
 */
export interface IdempotencyStore {
  /**
   * Wins the cell, or tells why not. Checked in this order: the same owner again, fingerprint, result, lease, barrier;
   * where there is no cell: the key's age, room in the share, room in the store.
   *
   * The owner that repeats a claim because a reply was lost wins it again, with the same fence.
   */
  claim(cell: string, claim: IdempotencyClaim): Promise<ClaimVerdict>
  /** Passes the barrier, `claimed` to `executing`, and renews the lease. Repeated, it is true again. */
  begin(cell: string, fence: number, lease: number): Promise<boolean>
  /** Lets the lease end `lease` milliseconds from now; an owner that was paused may renew a lapsed one. */
  renew(cell: string, fence: number, lease: number): Promise<boolean>
  /** Writes the record, once. From `claimed` too: the owner had no effect and has its answer. */
  complete(
    cell: string,
    fence: number,
    record: IdempotencyRecord,
    retention: number,
  ): Promise<CompletionVerdict>
  /** Frees a cell that is `claimed`. Never one past the barrier. */
  release(cell: string, fence: number): Promise<boolean>
  /**
   * Frees an unfinished cell in any state, for an owner that knows it ran nothing: its claim's reply was lost, or a
   * policy behind refused.
   */
  withdraw(cell: string, owner: string): Promise<boolean>
}

/** What a claim brings along. Durations are milliseconds. */
export interface IdempotencyClaim {
  /** Random and used by one attempt only. */
  readonly owner: string
  /** Whose share a new cell takes from: a digest of the caller. */
  readonly share: string
  /** What makes two requests the same. */
  readonly fingerprint: string
  /** How long the owner is believed to live without a renewal. */
  readonly lease: number
  /** How long an unfinished cell is kept after its lease. */
  readonly retention: number
  /** `now`: the cell is `executing` at once. `deferred`: it is `claimed` until `begin`. */
  readonly barrier: 'now' | 'deferred'
  /** When the client made the key, in milliseconds since the Unix epoch, if the key tells. */
  readonly keyTime: number | undefined
}

/** What became of a claim. Durations are milliseconds. */
export type ClaimVerdict =
  /** `takeover`: another owner lost the cell before the barrier. */
  | { readonly state: 'won'; readonly fence: number; readonly takeover: boolean }
  /** Another owner lives; `remaining` is what is left of its lease. */
  | { readonly state: 'busy'; readonly remaining: number }
  | { readonly state: 'done'; readonly record: IdempotencyRecord }
  /** Past the barrier, and the lease lapsed. */
  | { readonly state: 'unknown' }
  /** The cell has another fingerprint. */
  | { readonly state: 'mismatch' }
  /** There is no cell, but the key is older than what the store remembers: it may have been used. */
  | { readonly state: 'amnesia' }
  /** No cell, and no room for one in the caller's share; `remaining` is about when its next one ends. */
  | { readonly state: 'share-full'; readonly remaining: number }
  /** No cell, and no room for one in the whole store; `remaining` is when the next one ends. */
  | { readonly state: 'full'; readonly remaining: number }

/**
 * `stored` also for the same record again; `stale`: the fence is not the cell's, or another record is there; `full`:
 * no room for the answer in the share or the store, nothing was changed. A record that is not `answered` always has
 * room: it is the least that must be known of an effect.
 */
export type CompletionVerdict = 'stored' | 'stale' | 'full'

/** How a request ended. */
export interface IdempotencyRecord {
  /**
   * `answered`: the answer is here. `not-kept`: there was one, too long or endless to keep; its status and location
   * are here. `failed`: the handler threw after the barrier.
   */
  readonly outcome: 'answered' | 'not-kept' | 'failed'
  readonly status: number
  readonly headers: Fields
  readonly body: Uint8Array | null
}
