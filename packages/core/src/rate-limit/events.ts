/** What `rate-limit` tells observers. It names quotas, never whose budget it was. */
export type RateLimitEvent =
  | {
      readonly type: 'rate-limit.admitted'
      readonly cost: number
      /** Units left of the quota that has the fewest. */
      readonly remaining: number
    }
  | {
      readonly type: 'rate-limit.denied'
      readonly cost: number
      /** The quotas that had no room. */
      readonly violated: readonly string[]
      /** Until the request fits, in milliseconds. */
      readonly wait: number
    }
  | {
      readonly type: 'rate-limit.impossible'
      readonly cost: number
      /** The quotas whose burst is smaller than the cost. */
      readonly violated: readonly string[]
    }
  | {
      readonly type: 'rate-limit.store-failed'
      readonly cost: number
      /** Whether the request went on without a limit. */
      readonly admitted: boolean
      /** The error's code or name. Its text stays out: it may quote what was sent to the store. */
      readonly reason: string
    }
