import { carryBacklog, type GcraCharge } from './gcra.js'
import type { GcraRate } from './rate.js'
import { opened, type Reservation } from './reservation.js'

/** One budget of the generic cell rate algorithm. Times are microseconds. */
export interface GcraBudget {
  interval: number
  burst: number
  /** When it is full again. From then on it is as good as absent. */
  full: number
  /** In order of charging. */
  reservations: Reservation[] | undefined
}

/** After a clock stepped back, no budget owes more than its own burst. */
export function boundBudget(budget: GcraBudget, now: number): void {
  const latest = now + budget.interval * budget.burst
  if (budget.full <= latest) return
  budget.full = latest
  budget.reservations = undefined
}

/** Puts a budget under the rate that holds now. Where that changes what is owed, nothing can be settled any more. */
export function bringBudget(budget: GcraBudget, rate: GcraRate, now: number): void {
  boundBudget(budget, now)
  const backlog = backlogOf(budget, now)
  const carried = carryBacklog(rate, backlog, budget.interval)
  if (carried !== backlog || budget.interval !== rate.interval) {
    // Written back even if the request is denied: a bound that is only read would lock at every attempt anew.
    budget.full = carried === 0 ? 0 : now + carried
    budget.reservations = undefined
  }
  budget.interval = rate.interval
  budget.burst = rate.burst
}

/** How long until a budget is full. */
export function backlogOf({ full }: GcraBudget, now: number): number {
  return Math.max(0, full - now)
}

/**
 * Takes a charge. When a budget is full again is the latest of many moments, one for each time it began to be used; a
 * refund may lower only those of the time before it. So each reservation keeps the one of a budget that began after it.
 */
export function takeFrom(
  budget: GcraBudget,
  { cost }: GcraCharge,
  now: number,
  reservation?: Reservation,
): void {
  charge(budget, budget.interval * cost, now)
  if (reservation !== undefined) budget.reservations = opened(budget.reservations, reservation, now)
}

/** Settles one reservation, once. */
export function settleGcra(
  budget: GcraBudget,
  id: string,
  reserved: number,
  actual: number,
  now: number,
): void {
  boundBudget(budget, now)
  const { reservations, interval } = budget
  const index = reservations?.findIndex((one) => one.id === id) ?? -1
  const settled = reservations?.[index]
  if (reservations === undefined || settled === undefined) return
  reservations.splice(index, 1)
  if (settled.lapses <= now) return
  if (actual <= reserved) {
    const refund = interval * (reserved - actual)
    budget.full = Math.max(budget.full - refund, settled.mark)
    for (const older of reservations.slice(0, index)) older.mark = Math.max(older.mark - refund, settled.mark)
    return
  }
  const room = interval * budget.burst - backlogOf(budget, now)
  charge(budget, Math.min(interval * (actual - reserved), room), now)
}

function charge(budget: GcraBudget, time: number, now: number): void {
  if (time === 0) return
  for (const outstanding of budget.reservations ?? [])
    outstanding.mark = Math.max(outstanding.mark, now) + time
  budget.full = Math.max(budget.full, now) + time
}
