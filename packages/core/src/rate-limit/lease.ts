import type { QuotaState, RateLimitDecision, RateLimitReceipt } from './store.js'

/** Units that were charged together, to be given out one by one. */
export interface Lease {
  /** The budgets when it was charged. */
  readonly quotas: readonly QuotaState[]
  readonly receipt: RateLimitReceipt
  readonly units: number
  /** From then on its units are not used, in milliseconds of elapsed time. */
  readonly until: number
  left: number
}

/** The leases of one plan: the one that is given out, and the one after it. */
export interface Leases {
  /** @returns the lease that the units are of; undefined where there are not so many. */
  take(cost: number, now: number): Lease | undefined
  /**
   * Puts a lease behind the one that is given out, or in its place when that is over.
   *
   * @param replaced the used one whose place it took in the store.
   */
  add(lease: Lease, now: number, replaced: RateLimitReceipt | undefined): void
  /** Ends those that are there. */
  end(): void
  /** The one that is given out. */
  current(): Lease | undefined
  /** Whether there is one after it. */
  isFollowed(): boolean
  /** Of the last lease that was used up: it is not settled, and a later one takes its place. */
  used(): RateLimitReceipt | undefined
}

/**
 * Keeps the leases of a plan. Every unit is given out once, in its time, or left in a lease that ends.
 *
 * @param ended gets each lease that ends with units left.
 */
export function leases(ended: (lease: Lease) => void): Leases {
  let current: Lease | undefined
  /** There only while there is a current one. */
  let next: Lease | undefined
  let used: RateLimitReceipt | undefined

  return {
    // No getters: made for every caller, an object with some takes three times as long (Node 20).
    current: () => current,
    isFollowed: () => next !== undefined,
    used: () => used,
    take(cost, now) {
      let from = current
      if (!holds(from, cost, now)) {
        if (!holds(next, cost, now)) return undefined
        if (from !== undefined) ended(from)
        from = next
        current = next
        next = undefined
      }
      from.left -= cost
      if (from.left === 0) {
        used = from.receipt
        current = next
        next = undefined
      }
      return from
    },
    add(lease, now, replaced) {
      if (used === replaced) used = undefined
      if (holds(current, 1, now)) {
        if (next !== undefined) ended(next)
        next = lease
      } else {
        if (current !== undefined) ended(current)
        current = lease
      }
    },
    end() {
      if (current !== undefined) ended(current)
      if (next !== undefined) ended(next)
      current = undefined
      next = undefined
    },
  }
}

function holds(lease: Lease | undefined, cost: number, now: number): lease is Lease {
  return lease !== undefined && lease.left >= cost && now < lease.until
}

/**
 * How the budgets stand for this process: with what it has taken ahead.
 *
 * @param isRemembered unless the store has given the lease just now.
 */
export function admittedBy({ quotas, left }: Lease, isRemembered: true | undefined): RateLimitDecision {
  return {
    outcome: 'admitted',
    quotas: quotas.map(({ remaining, renewal, wait }) => ({ remaining: remaining + left, renewal, wait })),
    isRemembered,
  }
}
