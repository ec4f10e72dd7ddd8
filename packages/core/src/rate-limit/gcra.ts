import type { GcraRate } from './rate.js'
import type { QuotaState } from './store.js'

/** A charge under the generic cell rate algorithm. */
export type GcraCharge = GcraRate & { readonly cost: number }

/** How long until a charge fits a budget of this backlog: 0 when it does, infinite when it never will. */
export function gcraWait(charge: GcraCharge, backlog: number): number {
  if (charge.cost > charge.burst) return Number.POSITIVE_INFINITY
  return Math.max(0, chargedBacklog(charge, backlog) - charge.interval * charge.burst)
}

/** How a budget of this backlog stands. */
export function gcraState({ interval, burst }: GcraRate, backlog: number, wait: number): QuotaState {
  const remaining = Math.floor((interval * burst - backlog) / interval)
  const renewal = backlog === 0 ? 0 : backlog - interval * (burst - remaining - 1)
  return { remaining, renewal, wait }
}

/** The backlog of a budget after a charge was taken from it. */
export function chargedBacklog({ interval, cost }: GcraCharge, backlog: number): number {
  return backlog + interval * cost
}

/**
 * The backlog of a budget under the rate that holds now, which may be another one than when it was charged.
 *
 * What was taken stays taken: as many units, at most the new burst. Without the bound a client of 10 a day would stay
 * locked for a day when its quota becomes 1000 a minute, and so would everybody when a clock steps back.
 *
 * @param interval the interval of the rate the budget was charged under.
 */
export function carryBacklog(rate: GcraRate, backlog: number, interval: number): number {
  if (backlog <= 0) return 0
  const carried = interval === rate.interval ? backlog : Math.ceil((backlog / interval) * rate.interval)
  return Math.min(carried, rate.interval * rate.burst)
}
