import { opened, type Reservation } from './reservation.js'
import { foldCounts, moveCounts, unitsOf, type WindowCounts, type WindowShape } from './window.js'

/** One budget that is counted in windows. Times are microseconds. */
export interface WindowBudget extends WindowCounts {
  burst: number
  reservations: Reservation[] | undefined
}

/** After a clock stepped back, nothing is counted later than now. */
export function foldWindow(budget: WindowBudget, shape: WindowShape, now: number): void {
  if (!foldCounts(budget, shape, now)) budget.reservations = undefined
}

/** Takes units from a folded budget. */
export function countIn(
  budget: WindowBudget,
  shape: WindowShape,
  cost: number,
  now: number,
  reservation?: Reservation,
): void {
  moveCounts(budget, shape, now)
  budget.counts[0] = (budget.counts[0] ?? 0) + cost
  if (reservation === undefined) return
  budget.reservations = opened(budget.reservations, { ...reservation, mark: budget.newest }, now)
}

/** Settles one reservation, once. What it cost less is no longer counted in the stretch it was charged in. */
export function settleWindow(
  budget: WindowBudget,
  shape: WindowShape,
  id: string,
  reserved: number,
  actual: number,
  now: number,
): void {
  foldWindow(budget, shape, now)
  const { reservations } = budget
  const index = reservations?.findIndex((one) => one.id === id) ?? -1
  const settled = reservations?.[index]
  if (reservations === undefined || settled === undefined) return
  reservations.splice(index, 1)
  if (settled.lapses <= now) return
  if (actual > reserved) {
    const room = Math.max(0, budget.burst - unitsOf(budget, shape, now))
    countIn(budget, shape, Math.min(actual - reserved, room), now)
    return
  }
  const { counts, newest } = budget
  const age = newest - settled.mark
  if (age < counts.length) counts[age] = (counts[age] ?? 0) - (reserved - actual)
}
