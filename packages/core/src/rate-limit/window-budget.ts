import { opened, type Reservation } from './reservation.js'
import { bringCounts, unitsOf, type WindowCounts, type WindowShape } from './window.js'

/** One budget that is counted in windows. Times are microseconds. */
export interface WindowBudget extends WindowCounts {
  burst: number
  reservations: Reservation[] | undefined
}

/** Moves a budget to now. */
export function bringWindow(budget: WindowBudget, shape: WindowShape, now: number): void {
  if (!bringCounts(budget, shape, now)) budget.reservations = undefined
}

/** Takes units from a budget that was brought to now. */
export function countIn(budget: WindowBudget, cost: number, now: number, reservation?: Reservation): void {
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
  bringWindow(budget, shape, now)
  const { reservations, counts } = budget
  const index = reservations?.findIndex((one) => one.id === id) ?? -1
  const settled = reservations?.[index]
  if (reservations === undefined || settled === undefined) return
  reservations.splice(index, 1)
  if (settled.lapses <= now) return
  if (actual > reserved) {
    const room = Math.max(0, budget.burst - unitsOf(counts))
    counts[0] = (counts[0] ?? 0) + Math.min(actual - reserved, room)
    return
  }
  const age = budget.newest - settled.mark
  if (age < counts.length) counts[age] = (counts[age] ?? 0) - (reserved - actual)
}
