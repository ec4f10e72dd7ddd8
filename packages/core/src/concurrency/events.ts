/** What `concurrencyLimit` tells observers. It names quotas, never whose slots they are. */
export type ConcurrencyEvent =
  | {
      readonly type: 'concurrency.admitted'
      /** Slots left of the quota that has the fewest. */
      readonly free: number
      /** This process decided with its share of the slots: the store is away. */
      readonly degraded: boolean
    }
  | {
      readonly type: 'concurrency.denied'
      /** The quotas that had no slot. */
      readonly violated: readonly string[]
      readonly degraded: boolean
    }
  | {
      /** The store is away and nobody stood in for it: what slots are free is not known. */
      readonly type: 'concurrency.undecided'
      /** `onStoreDown` is `allow`. Else it was refused: 503. */
      readonly admitted: boolean
    }
  | {
      /** The lease was over before the request was: somebody else may have the slot. */
      readonly type: 'concurrency.slot-lost'
    }
  | {
      readonly type: 'concurrency.store-failed'
      readonly call: 'acquire' | 'renew' | 'release'
      /** Why there was no answer (`deadline`), or the error's code or name; never its text. */
      readonly reason: string
    }
