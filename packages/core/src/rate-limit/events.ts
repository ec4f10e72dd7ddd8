/** What `rate-limit` tells observers. It names quotas, never whose budget it was. */
export type RateLimitEvent =
  | {
      readonly type: 'rate-limit.admitted'
      readonly cost: number
      /** Units left of the quota that has the fewest. */
      readonly remaining: number
      /** This process decided with its share of the quotas: the store is away. */
      readonly degraded: boolean
    }
  | {
      readonly type: 'rate-limit.denied'
      readonly cost: number
      /** The quotas that had no room. */
      readonly violated: readonly string[]
      /** Until the request fits, in milliseconds. */
      readonly wait: number
      /** The caller is blocked, whatever is left of the quotas. */
      readonly blocked: boolean
      readonly degraded: boolean
    }
  | {
      readonly type: 'rate-limit.impossible'
      readonly cost: number
      /** The quotas whose burst is smaller than the cost. */
      readonly violated: readonly string[]
    }
  | {
      /** The store is away and nobody stood in for it: how the budgets stand is not known. */
      readonly type: 'rate-limit.undecided'
      readonly cost: number
      /** `onStoreDown` is `allow`. Else it was refused: 503. */
      readonly admitted: boolean
    }
  | {
      readonly type: 'rate-limit.shadow-denied'
      readonly cost: number
      /** A quota in shadow mode that would have refused. */
      readonly quota: string
      /** Until the request would fit, in milliseconds; infinite when it never would. */
      readonly wait: number
    }
  | {
      readonly type: 'rate-limit.skipped'
      /** Why no quota was asked: the caller is on the `allow` list, or `skip` said so. */
      readonly reason: 'allowed' | 'skip'
    }
  | {
      /** The caller is on the `deny` list. */
      readonly type: 'rate-limit.caller-denied'
    }
  | {
      readonly type: 'rate-limit.settled'
      /** What was charged at first. */
      readonly cost: number
      /** What the request really cost. */
      readonly spent: number
    }
  | {
      readonly type: 'rate-limit.store-failed'
      /**
       * `settle`: what was charged stays charged. `shadow`: a quota in shadow mode saw nothing. `repay`: what was given
       * out is not charged yet. `block`: a block holds in this process only.
       */
      readonly call: 'consume' | 'settle' | 'shadow' | 'repay' | 'block'
      /** Why there was no answer (`deadline`), or the error's code or name; never its text, which may quote what was sent. */
      readonly reason: string
    }
  | {
      /** The store decides again after it was away. */
      readonly type: 'rate-limit.store-recovered'
    }
