import { isWindow, type Level } from '../../rate-limit/decision.js'
import {
  backlogOf,
  boundBudget,
  bringBudget,
  type GcraBudget,
  settleGcra,
  takeFrom,
} from '../../rate-limit/gcra-budget.js'
import type { Reservation } from '../../rate-limit/reservation.js'
import type { RateLimitCharge } from '../../rate-limit/store.js'
import { moveCounts, unitsOf, type WindowShape, windowShape } from '../../rate-limit/window.js'
import { countIn, foldWindow, settleWindow, type WindowBudget } from '../../rate-limit/window-budget.js'

/** What a table asks of budgets, whatever their algorithm. Times are microseconds. */
export interface BudgetKind<B> {
  /** A full budget, or one that stands as `like` does. */
  open(key: string, charge: RateLimitCharge, like: B | undefined): B
  /** Brings a budget to now, after which it owes no more than its own burst. */
  bound(budget: B, now: number): void
  /** Puts a bound budget under the charge's rate. */
  bring(budget: B, charge: RateLimitCharge, now: number): void
  /** What a decision is made from. */
  level(budget: B, now: number): Level
  take(budget: B, charge: RateLimitCharge, now: number, reservation: Reservation | undefined): void
  settle(budget: B, id: string, reserved: number, actual: number, now: number): void
  /** How much of a bound budget is used: 0 when it is as good as absent. */
  used(budget: B, now: number): number
  /** Makes a bound budget stand in for another bound one too: right for both, or stricter. */
  merge(into: B, budget: B, now: number): void
}

/** A budget and whose it is. */
export type Kept<B> = B & { readonly key: string }

/** Budgets of the generic cell rate algorithm. */
export const gcraKind: BudgetKind<Kept<GcraBudget>> = {
  open(key, charge, like) {
    if (like !== undefined) return { ...like, key, reservations: undefined }
    const { interval, burst } = charge as GcraBudget & RateLimitCharge
    return { key, interval, burst, full: 0, reservations: undefined }
  },
  bound: boundBudget,
  bring(budget, charge, now) {
    if (!isWindow(charge)) bringBudget(budget, charge, now)
  },
  level: backlogOf,
  take(budget, charge, now, reservation) {
    if (!isWindow(charge)) takeFrom(budget, charge, now, reservation)
  },
  settle: settleGcra,
  used: (budget, now) => backlogOf(budget, now) / (budget.interval * budget.burst),
  merge(into, budget, now) {
    // The slower rate and the larger burst.
    const rate = {
      interval: Math.max(into.interval, budget.interval),
      burst: Math.max(into.burst, budget.burst),
    }
    const other = { ...budget }
    bringBudget(other, rate, now)
    bringBudget(into, rate, now)
    into.full = Math.max(into.full, other.full)
  },
}

/** Budgets that are counted in windows of one shape. */
export function windowKind(shape: WindowShape): BudgetKind<Kept<WindowBudget>> {
  return {
    open(key, { burst }, like) {
      if (like === undefined) return { key, burst, newest: 0, counts: [0], reservations: undefined }
      return { ...like, key, counts: [...like.counts], reservations: undefined }
    },
    bound: (budget, now) => foldWindow(budget, shape, now),
    bring(budget, { burst }) {
      budget.burst = burst
    },
    level: (budget) => budget,
    take: (budget, { cost }, now, reservation) => countIn(budget, shape, cost, now, reservation),
    settle: (budget, id, reserved, actual, now) => settleWindow(budget, shape, id, reserved, actual, now),
    used: (budget, now) => unitsOf(budget, shape, now) / budget.burst,
    merge(into, budget, now) {
      moveCounts(into, shape, now)
      moveCounts(budget, shape, now)
      const { counts, burst } = budget
      const length = Math.max(into.counts.length, counts.length)
      into.counts = Array.from({ length }, (_, age) => Math.max(into.counts[age] ?? 0, counts[age] ?? 0))
      into.burst = Math.max(into.burst, burst)
    },
  }
}

/** What tells apart tables of one quota: a change of algorithm or window starts a budget beside the old one. */
export function shapeOf(charge: RateLimitCharge): WindowShape | undefined {
  return isWindow(charge) ? windowShape(charge) : undefined
}
