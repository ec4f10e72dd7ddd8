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
 * When the clock stepped back, all that counted counts as if it was taken now: else it would count until the clock has
 * caught up.
 *
 * @returns whether the stretches are still what they were.
 */
export function foldCounts(budget: WindowCounts, { width }: WindowShape, now: number): boolean {
  const index = stretchAt(width, now)
  if (index >= budget.newest) return true
  budget.newest = index
  budget.counts = [sumOf(budget.counts, budget.counts.length)]
  return false
}

/** Makes the stretch of `now` the newest one. Only for what is taken: who only looks leaves a budget as it was. */
export function moveCounts(budget: WindowCounts, { width, behind }: WindowShape, now: number): void {
  const passed = stretchAt(width, now) - budget.newest
  if (passed <= 0) return
  budget.newest += passed
  const kept = budget.counts.slice(0, Math.max(0, behind + 1 - passed))
  budget.counts = kept.length === 0 ? [0] : [...Array<number>(passed).fill(0), ...kept]
}

/** What was taken in all stretches that count at `now`. */
export function unitsOf(
  { newest, counts }: WindowCounts,
  { width, behind }: WindowShape,
  now: number,
): number {
  const passed = stretchAt(width, now) - newest
  return sumOf(counts, Math.min(counts.length, behind + 1 - passed))
}

function sumOf(counts: readonly number[], length: number): number {
  let sum = 0
  for (let age = 0; age < length; age += 1) sum += counts[age] ?? 0
  return sum
}

/** How long until a charge fits: 0 when it does, infinite when it never will. */
export function windowWait(charge: WindowCharge, budget: WindowCounts, now: number): number {
  const { burst, cost } = charge
  if (cost > burst) return Number.POSITIVE_INFINITY
  return cost === 0
    ? 0
    : untilGone(charge, budget, now, unitsOf(budget, windowShape(charge), now) + cost - burst)
}

/** How a budget stands, after `taken` units more were taken from it. */
export function windowState(
  charge: WindowCharge,
  budget: WindowCounts,
  now: number,
  taken: number,
  wait: number,
): QuotaState {
  const units = unitsOf(budget, windowShape(charge), now) + taken
  const remaining = Math.max(0, charge.burst - units)
  const gone = Math.max(1, units - charge.burst + 1)
  return { remaining, renewal: units === 0 ? 0 : untilGone(charge, budget, now, gone), wait }
}

/** How long until so many units no longer count. What is taken at `now` counts last. */
function untilGone(
  rate: WindowRate | CalendarRate,
  { newest, counts }: WindowCounts,
  now: number,
  units: number,
): number {
  if (units <= 0) return 0
  const { width, behind } = windowShape(rate)
  let left = units
  for (let age = counts.length - 1; age >= 0; age -= 1) {
    const gone = startOf(width, newest - age + behind + 1) - now
    if (gone > 0) left -= counts[age] ?? 0
    if (left <= 0) return gone
  }
  return startOf(width, stretchAt(width, now) + behind + 1) - now
}
