import type { Rate } from './rate.js'

/**
 * What one request takes from one budget. The budget's settings travel with it; a store holds none. They may change
 * when the service does, but must not take turns: a smaller burst forgets what a larger one remembers.
 */
export interface RateLimitCharge extends Rate {
  /** Which quota, by its name. */
  readonly quota: string
  /** Whose budget of that quota: made by `keyOf`. */
  readonly key: string
  /** How many units it takes: an integer; 0 takes nothing and only looks. */
  readonly cost: number
}

/** How a budget stands after a decision. Durations are integers of microseconds. */
export interface QuotaState {
  /** Units that are left at once. */
  readonly remaining: number
  /** Until one more unit is there; 0 when the budget is full. */
  readonly renewal: number
  /** Until this charge fits, if nobody else takes from the budget; 0 when it fits, infinite when it never will. */
  readonly wait: number
}

/**
 * What a store decided about all charges of one request. `quotas` has one state per charge, in their order.
 *
 * - `admitted`: every charge was taken;
 * - `denied`: none was taken; all of them fit after `wait` microseconds, if nobody else takes from the budgets;
 * - `impossible`: none was taken; a cost is greater than the burst of its quota.
 */
export type RateLimitDecision =
  | { readonly outcome: 'admitted'; readonly quotas: readonly QuotaState[] }
  | { readonly outcome: 'denied'; readonly quotas: readonly QuotaState[]; readonly wait: number }
  | { readonly outcome: 'impossible'; readonly quotas: readonly QuotaState[] }

/** Where budgets live. */
export interface RateLimitStore {
  /**
   * Takes all charges or none, in one atomic step, at the store's own time.
   *
   * No two charges may name the same quota and key. A denial leaves every budget as it was. It rejects only when it
   * can't decide; then the charges may or may not have been taken.
   */
  consume(charges: readonly RateLimitCharge[]): RateLimitDecision | Promise<RateLimitDecision>
}
