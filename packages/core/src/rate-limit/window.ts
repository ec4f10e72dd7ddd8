import { startOf, stretchAt, type StretchWidth } from './calendar.js'
import type { CalendarRate, WindowRate } from './rate.js'
import type { QuotaState } from './store.js'

/** A charge that is counted in windows. */
export type WindowCharge = (WindowRate | CalendarRate) & { readonly cost: number }

/** Units that were taken, by stretch of time. */
export interface WindowCounts {
  /** The number of the newest stretch, counted from the Unix epoch. */
  newest: number
  /** Units of the newest stretch, then of the ones before it. */
  counts: number[]
}

/** How long a stretch is, and how many before the current one still count. */
export interface WindowShape {
  readonly width: StretchWidth
  readonly behind: number
}

const STRETCHES = 10

export function windowShape({ algorithm, window }: WindowRate | CalendarRate): WindowShape {
  if (algorithm === 'fixed-window') return { width: window, behind: 0 }
  // Rounded up: what counts is never less than the window.
  return { width: Math.ceil(window / STRETCHES), behind: STRETCHES }
}

/**
 * Moves counts to `now`. When the clock stepped back, all that counted counts as if it was taken now: else it would
 * count until the clock has caught up.
 *
 * @returns whether the stretches are still what they were.
 */
export function bringCounts(budget: WindowCounts, { width, behind }: WindowShape, now: number): boolean {
  const index = stretchAt(width, now)
  const passed = index - budget.newest
  if (passed === 0) return true
  budget.newest = index
  if (passed < 0) {
    budget.counts = [unitsOf(budget.counts)]
    return false
  }
  const kept = budget.counts.slice(0, Math.max(0, behind + 1 - passed))
  budget.counts = kept.length === 0 ? [0] : [...Array<number>(passed).fill(0), ...kept]
  return true
}

/** What was taken in all stretches that count. */
export function unitsOf(counts: readonly number[]): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

/** How long until a charge fits: 0 when it does, infinite when it never will. */
export function windowWait(charge: WindowCharge, budget: WindowCounts, now: number): number {
  const { burst, cost } = charge
  if (cost > burst) return Number.POSITIVE_INFINITY
  return cost === 0 ? 0 : untilGone(charge, budget, now, unitsOf(budget.counts) + cost - burst, 0)
}

/** How a budget stands, after `taken` units more were taken from it. */
export function windowState(
  charge: WindowCharge,
  budget: WindowCounts,
  now: number,
  taken: number,
  wait: number,
): QuotaState {
  const units = unitsOf(budget.counts) + taken
  const remaining = Math.max(0, charge.burst - units)
  const gone = Math.max(1, units - charge.burst + 1)
  return { remaining, renewal: units === 0 ? 0 : untilGone(charge, budget, now, gone, taken), wait }
}

/** How long until so many units no longer count. */
function untilGone(
  rate: WindowRate | CalendarRate,
  { newest, counts }: WindowCounts,
  now: number,
  units: number,
  taken: number,
): number {
  const { width, behind } = windowShape(rate)
  let left = units
  for (let age = counts.length - 1; age >= 0 && left > 0; age -= 1) {
    left -= (counts[age] ?? 0) + (age === 0 ? taken : 0)
    if (left <= 0) return startOf(width, newest - age + behind + 1) - now
  }
  return 0
}
