/** What `idempotency` tells observers. `operationRef` names the cell: a digest, from which no key can be read. */
export type IdempotencyEvent =
  /** The key was new, the operation runs. */
  | { readonly type: 'idempotency.claimed'; readonly operationRef: string }
  /** The operation ran and its record is stored. */
  | {
      readonly type: 'idempotency.completed'
      readonly operationRef: string
      readonly outcome: 'answered' | 'not-kept' | 'failed'
      readonly status: number
    }
  /**
   * There was no effect: a policy behind refused, the handler ended before its barrier, or it sent the client to another
   * spelling of the address. The key is free again.
   */
  | { readonly type: 'idempotency.withdrawn'; readonly operationRef: string }
  /** The owner lost its claim before its barrier, so it did nothing. */
  | { readonly type: 'idempotency.claim-lost'; readonly operationRef: string }
  /** The stored answer went out again. */
  | { readonly type: 'idempotency.replayed'; readonly operationRef: string; readonly status: number }
  /** The operation was done; what is left of it is a tombstone or a failure. */
  | {
      readonly type: 'idempotency.settled'
      readonly operationRef: string
      readonly outcome: 'not-kept' | 'failed'
    }
  /** Another request with the key is in progress; `remaining` is its lease in milliseconds. */
  | { readonly type: 'idempotency.in-flight'; readonly operationRef: string; readonly remaining: number }
  /** The key was used with another request. */
  | { readonly type: 'idempotency.mismatched'; readonly operationRef: string }
  /** Whether the operation took effect is not known. */
  | {
      readonly type: 'idempotency.unknown'
      readonly operationRef: string
      readonly reason: IdempotencyUnknownReason
    }
  /** No usable key where one is required, or none that can be read. */
  | { readonly type: 'idempotency.key-refused'; readonly reason: 'missing' | 'malformed' | 'caller-unknown' }
  /** The caller's share of the store has no room for another key. */
  | { readonly type: 'idempotency.quota-exceeded'; readonly operationRef: string }
  /** The store has no room for another key. */
  | { readonly type: 'idempotency.store-full'; readonly operationRef: string }
  /** A store call failed or took too long. */
  | {
      readonly type: 'idempotency.store-failed'
      readonly operationRef: string
      readonly call: 'claim' | 'begin' | 'renew' | 'complete' | 'withdraw'
    }

/**
 * Why an outcome is not known: the owner's lease lapsed, the record of what ran could not be stored, or the key is
 * older than the store's memory.
 */
export type IdempotencyUnknownReason = 'lease-lapsed' | 'completion-lost' | 'store-amnesia'
