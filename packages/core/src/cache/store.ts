import type { Fields } from '../fields.js'

/** A store in the process answers at once, one over the network later. */
export type Awaitable<T> = T | Promise<T>

/** An answer as it is kept: immutable, plain values. */
export interface StoredAnswer {
  readonly status: number
  readonly headers: Fields
  readonly body: Uint8Array | null
  /** How long it is fresh, counted from its own age 0, in milliseconds. */
  readonly lifetime: number
  /** How old it was when it was stored, in milliseconds. */
  readonly initialAge: number
}

/** Gives the variant that a request selects by the fields of a `Vary` list: a digest, `''` for an empty list. */
export type SelectVariant = (vary: readonly string[]) => string

/** What a store knows. The ticket is drawn in any case: a hit may be of no use to the policy. */
export type CacheLookup =
  | {
      readonly state: 'hit'
      readonly ticket: string
      readonly answer: StoredAnswer
      /** How long it has been in the store, in milliseconds. Never falls, also when a clock steps back. */
      readonly residence: number
    }
  | {
      readonly state: 'miss'
      readonly ticket: string
      /** `stale` where the store still knows that it had one. */
      readonly reason: 'uri-miss' | 'vary-miss' | 'stale'
    }

/** An answer to store. */
export interface CacheFill {
  /** The sorted, lower-cased fields that select it, and the variant the request selected by them. */
  readonly vary: readonly string[]
  readonly variant: string
  /** Keys of the tags it was made from. */
  readonly tags: readonly string[]
  /** How long to keep it, in milliseconds. */
  readonly keep: number
  readonly answer: StoredAnswer
}

/** `overtaken`: one of its tags was invalidated after its ticket was drawn. */
export type CacheFillOutcome = 'stored' | 'overtaken' | 'too-large'

/**
 * Where answers are kept. Every method is atomic.
 *
 * A ticket orders fills and invalidations: an answer whose ticket was drawn before an invalidation of one of its
 * tags is never stored and never found, whenever its tags became known. A store that forgot an invalidation must
 * answer as if it had been one of every tag.
 */
export interface CacheStore {
  /**
   * Finds an answer under the first of `keys` that has one. Of several variants that match, the most recent with a
   * `Vary` of its own (RFC 9111 4.1).
   */
  lookup(keys: readonly string[], select: SelectVariant): Awaitable<CacheLookup>
  /** Stores an answer in place of the same variant. Bounds variants per key and bytes in all. */
  fill(key: string, ticket: string, fill: CacheFill): Awaitable<CacheFillOutcome>
  /** Forgets every answer made from one of the tags. Once it resolves, none is found. */
  invalidate(tags: readonly string[]): Awaitable<void>
}
