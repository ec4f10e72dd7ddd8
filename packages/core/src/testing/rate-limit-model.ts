import type { Clock } from '../clock.js'
import type { QuotaState, RateLimitCharge, RateLimitStore } from '../rate-limit/store.js'

/** One budget of the model, as the textbook has it. */
interface Cell {
  /** Theoretical arrival time: when the budget is full again, in microseconds. */
  tat: number
  interval: number
}

/**
 * What every store must decide, written for reading: GCRA over theoretical arrival times, nothing bounded, nothing
 * shared with the stores it is compared to.
 */
export function modelRateLimitStore(clock: Clock): RateLimitStore {
  const cells = new Map<string, Cell>()

  return {
    consume(charges) {
      const now = Math.round(clock.now() * 1_000)
      const before = charges.map((charge) => arrivalTime(charge, now))
      const after = charges.map(({ interval, cost }, index) => (before[index] ?? now) + interval * cost)
      const waits = charges.map(({ interval, burst, cost }, index) => {
        const over = (after[index] ?? now) - interval * burst - now
        return cost > burst ? Number.POSITIVE_INFINITY : Math.max(0, over)
      })

      if (waits.every((wait) => wait === 0)) {
        charges.forEach((charge, index) => {
          cells.set(nameOf(charge), { tat: after[index] ?? now, interval: charge.interval })
        })
        return { outcome: 'admitted', quotas: statesOf(charges, after, waits, now) }
      }
      const quotas = statesOf(charges, before, waits, now)
      if (waits.includes(Number.POSITIVE_INFINITY)) return { outcome: 'impossible', quotas }
      return { outcome: 'denied', quotas, wait: Math.max(...waits) }
    },
  }

  function arrivalTime(charge: RateLimitCharge, now: number): number {
    const cell = cells.get(nameOf(charge))
    if (cell === undefined || cell.tat <= now) return now
    // The same units under another rate, and never more than the burst.
    const sameRate = cell.interval === charge.interval
    const backlog = sameRate
      ? cell.tat - now
      : Math.ceil(((cell.tat - now) / cell.interval) * charge.interval)
    cell.tat = now + Math.min(backlog, charge.interval * charge.burst)
    cell.interval = charge.interval
    return cell.tat
  }
}

function statesOf(
  charges: readonly RateLimitCharge[],
  arrivals: readonly number[],
  waits: readonly number[],
  now: number,
): readonly QuotaState[] {
  return charges.map(({ interval, burst }, index) => {
    const backlog = (arrivals[index] ?? now) - now
    const remaining = Math.floor((interval * burst - backlog) / interval)
    const renewal = backlog === 0 ? 0 : backlog - interval * (burst - remaining - 1)
    return { remaining, renewal, wait: waits[index] ?? 0 }
  })
}

function nameOf({ quota, key }: RateLimitCharge): string {
  return JSON.stringify([quota, key])
}
