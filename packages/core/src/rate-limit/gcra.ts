import type { GcraRate } from './rate.js'
import type { QuotaState, RateLimitCharge, RateLimitDecision } from './store.js'

/**
 * Decides about the charges of one request: all of them, or none.
 *
 * @param backlogs the backlog of each charge's budget, in microseconds, at most `interval * burst`.
 */
export function decide(charges: readonly RateLimitCharge[], backlogs: readonly number[]): RateLimitDecision {
  const waits = charges.map((charge, index) => waitFor(charge, backlogs[index] ?? 0))
  const wait = Math.max(0, ...waits)
  const quotas = charges.map((charge, index) => {
    const before = backlogs[index] ?? 0
    return stateOf(charge, wait === 0 ? chargedBacklog(charge, before) : before, waits[index] ?? 0)
  })
  if (wait === 0) return { outcome: 'admitted', quotas }
  return wait === Number.POSITIVE_INFINITY
    ? { outcome: 'impossible', quotas }
    : { outcome: 'denied', quotas, wait }
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

/** The backlog of a budget after a charge was taken from it. */
export function chargedBacklog({ interval, cost }: RateLimitCharge, backlog: number): number {
  return backlog + interval * cost
}

function waitFor(charge: RateLimitCharge, backlog: number): number {
  if (charge.cost > charge.burst) return Number.POSITIVE_INFINITY
  return Math.max(0, chargedBacklog(charge, backlog) - charge.interval * charge.burst)
}

function stateOf({ interval, burst }: GcraRate, backlog: number, wait: number): QuotaState {
  const remaining = Math.floor((interval * burst - backlog) / interval)
  const renewal = backlog === 0 ? 0 : backlog - interval * (burst - remaining - 1)
  return { remaining, renewal, wait }
}
