/**
 * Why a store gave no answer.
 *
 * - `not-ready`: there is no connection;
 * - `breaker-open`: it failed several times in a row, and is left alone for a while;
 * - `deadline`: it took too long;
 * - `error`: the connection broke, or the store said no.
 */
export type UnavailableReason = 'not-ready' | 'breaker-open' | 'deadline' | 'error'

/**
 * A store gave no answer. It tells nothing of the call: the client's own error holds the command with its arguments,
 * and so has no place in a `cause` either.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  /** For code that may meet two copies of this class. */
  readonly code = 'store-unavailable'
  readonly reason: UnavailableReason
  /** What kind of error it was, of `error`: Redis' code (`OOM`, `READONLY`), Node's (`ECONNRESET`) or a class name. */
  readonly kind: string | undefined

  /**
   * Of a decision that took something before it failed: whether all of that was given back, once it is known. Never
   * rejects; undefined where there was nothing to give back, or it is done.
   */
  readonly givenBack: Promise<boolean> | undefined

  constructor(reason: UnavailableReason, kind?: string, givenBack?: Promise<boolean>) {
    super(
      kind === undefined
        ? `the store is unavailable: ${reason}`
        : `the store is unavailable: ${reason} ${kind}`,
    )
    this.reason = reason
    this.kind = kind
    this.givenBack = givenBack
  }

  /** The call may have had its effect, or may have it later: its reply is what is missing. */
  get mayHaveApplied(): boolean {
    return this.reason === 'deadline' || this.reason === 'error'
  }
}
