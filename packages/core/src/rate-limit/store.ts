import type { Rate } from './rate.js'

/**
 * What one request takes from one budget. The budget's settings travel with it; a store holds none. They may change
 * when the service does, but must not take turns: a smaller burst forgets what a larger one remembers. Another algorithm
 * or window starts a budget beside the old one.
 */
export type RateLimitCharge = Rate & {
  /**
   * Which budget of the key: the quota's name, and the tier if it has some. There are few, and they are short. Tell tiers
   * apart here and not in the key: budgets of one key are kept and charged together.
   */
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
 * - `admitted`: every charge was taken; with a receipt if one was asked for;
 * - `denied`: none was taken; all of them fit after `wait` microseconds, if nobody else takes from the budgets. With
 *   `isBlocked` where one of the keys is blocked;
 * - `impossible`: none was taken; a cost is greater than the burst of its quota.
 *
 * With `isRemembered` where what stands before a store said it from memory: it tells nothing of the store.
 */
export type RateLimitDecision =
  | {
      readonly outcome: 'admitted'
      readonly quotas: readonly QuotaState[]
      readonly receipt?: RateLimitReceipt
      readonly isRemembered?: true | undefined
    }
  | {
      readonly outcome: 'denied'
      readonly quotas: readonly QuotaState[]
      readonly wait: number
      readonly isBlocked?: true
      readonly isRemembered?: true | undefined
    }
  | {
      readonly outcome: 'impossible'
      readonly quotas: readonly QuotaState[]
      readonly isRemembered?: true | undefined
    }

/** What was charged, to be settled with the store that made it. Plain data. */
export interface RateLimitReceipt {
  readonly id: string
  readonly charges: readonly RateLimitCharge[]
}

/** Settings of one `consume`. */
export interface ConsumeOptions {
  /**
   * Asks for a receipt, and says for how many milliseconds it can be settled. Default: none is made. Each costs the
   * budget a little work until it is settled; a budget has at most {@link MOST_RESERVATIONS}.
   */
  readonly reserve?: number
  /**
   * A receipt of the same budgets that is not going to be settled, whatever is decided: when these charges are taken its
   * reservation makes room for theirs, and what it reserved stays charged. Over several keys a denial may end it too, where
   * a store takes them one by one. Only with `reserve`. Default: none.
   */
  readonly replaces?: RateLimitReceipt
}

/** A budget that has so many reservations forgets its oldest: what that one reserved stays charged. */
export const MOST_RESERVATIONS = 64

/** Where budgets live. */
export interface BudgetStore {
  /**
   * For how many milliseconds units may be used after they were charged; absent: at once. A limit that holds in any
   * window counts this time in. What stands before a store passes it on.
   */
  readonly usedWithin?: number | undefined
  /**
   * Within how many milliseconds `consume` has an answer or rejects; absent: it does not say. Decisions that need more than
   * one answer end in this time too. What stands before a store passes it on.
   */
  readonly decidesWithin?: number | undefined
  /**
   * Takes all charges or none, at the store's own time.
   *
   * Charges of one key are taken in one atomic step. A store that keeps keys apart (a Redis Cluster) takes them key by
   * key, in the order in which they first stand in `charges`, stops at the first denial, and gives back exactly what it
   * took before: put the keys that many share last. A neighbour may be denied in between; nobody is ever admitted too
   * often. No two charges may name the same quota and key. A denial leaves every budget as it was. It rejects only when
   * it can't decide; then the charges may or may not have been taken.
   */
  consume(
    charges: readonly RateLimitCharge[],
    options?: ConsumeOptions,
  ): RateLimitDecision | Promise<RateLimitDecision>
  /**
   * Says what a request really cost, per charge of its receipt: integers of at least 0. Afterwards each budget stands as
   * if that had been charged at the start: a refund never gives back more than time has not given back already, and what
   * it cost beyond its reservation is taken as far as the budget goes.
   *
   * Does nothing the second time, or when the reservation lapsed, was forgotten, or was made under another rate: then
   * what was reserved stays charged. So a charge of 0 with a receipt, settled to `n`, takes `n` units or what is left.
   */
  settle(receipt: RateLimitReceipt, costs: readonly number[]): void | Promise<void>
  /**
   * Denies every charge of the key, looks too, for so many milliseconds from now; 0 lifts it. The last call counts.
   * Meanwhile its budgets show no unit left, and time refills them as ever. Throws or rejects when it can't: a block is
   * never forgotten to make room for another.
   */
  block(key: string, duration: number): void | Promise<void>
}

/** At most so many at the same time. */
export interface SlotRequest {
  /** Which quota, by its name. */
  readonly quota: string
  /** Whose slots of that quota: made by `keyOf`. */
  readonly key: string
  /** How many there are: an integer of at least 1. */
  readonly limit: number
}

/** Slots that were taken, to be renewed or released with the store that made it. Plain data. */
export interface SlotHold {
  readonly id: string
  readonly slots: readonly SlotRequest[]
}

/** Whether there was a slot of each quota. `free` has the slots that are left, one number per request, in their order. */
export type SlotDecision =
  | { readonly outcome: 'acquired'; readonly free: readonly number[]; readonly hold: SlotHold }
  | { readonly outcome: 'full'; readonly free: readonly number[] }

/** Where slots live. Who crashed frees its slots when their lease is over. */
export interface SlotStore {
  /** Takes a slot of each request, or none, for `lease` milliseconds; over several keys as `consume` does. */
  acquire(requests: readonly SlotRequest[], lease: number): SlotDecision | Promise<SlotDecision>
  /** Makes the lease last `lease` milliseconds from now. False when one of the slots has lapsed: it may be taken. */
  renew(hold: SlotHold, lease: number): boolean | Promise<boolean>
  /** Gives the slots back. Does nothing the second time, or after they lapsed. */
  release(hold: SlotHold): void | Promise<void>
}

/** Where rate limits live. */
export interface RateLimitStore extends BudgetStore, SlotStore {}
