import type { Clock } from '../clock.js'
import { elapsedTime } from '../stores/memory/elapsed-time.js'
import { memoryRateLimitStore } from '../stores/memory/rate-limit.js'
import { longestOf } from './calendar.js'
import type { Rate } from './rate.js'
import type { BudgetStore, RateLimitCharge, RateLimitDecision } from './store.js'
import { repay } from './repay.js'

/** What this process may give out alone while the store is away. */
export interface LocalShare {
  /** Takes the charges from this process's share. `undefined` where a share is too small to ever hold the cost. */
  consume(charges: readonly RateLimitCharge[]): Promise<RateLimitDecision | undefined>
  /** Refuses who is blocked here; `undefined` for everybody else. Takes nothing. */
  refuseBlocked(charges: readonly RateLimitCharge[]): Promise<RateLimitDecision | undefined>
  /**
   * Blocks a key here, as a store does.
   *
   * @throws RangeError when there is no room for another block.
   */
  block(key: string, duration: number): void
  /** Remembers what was given out, to be charged when the store is back. */
  owe(charges: readonly RateLimitCharge[]): void
  /** Charges the store what is owed of these budgets, once, as far as they go. Rejects as the store does. */
  repay(store: Pick<BudgetStore, 'consume' | 'settle'>, charges: readonly RateLimitCharge[]): Promise<void>
  /** Whether anything is owed. */
  readonly isIndebted: boolean
}

/** Debts of more budgets than this are forgiven: what was given out stayed within the share all the same. */
const MOST_DEBTS = 10_000

/** How often debts that time has paid are looked for, at the most, in milliseconds: a look goes over all of them. */
const CLEARING = 1_000

interface Debt {
  /** Units, what time has given back since taken off. */
  readonly units: number
  /** When that was true, in milliseconds. */
  readonly at: number
  /** When time has given all of it back. */
  readonly paid: number
}

/**
 * Makes the share of one process: a part of each quota's burst, at least 1, and the same part of its rate. So all
 * processes together give out, beside what the store had admitted, at most `processes * share` of a burst at once and
 * then the quota's own rate.
 */
export function localShare(clock: Clock, processes: number): LocalShare {
  const store: BudgetStore = memoryRateLimitStore({ clock })
  const elapsed = elapsedTime(clock)
  const debts = new Map<string, Debt>()
  let cleared = Number.NEGATIVE_INFINITY

  const remaining = (charge: RateLimitCharge, { units, at }: Debt): number =>
    Math.max(0, units - ((elapsed() - at) * 1_000) / intervalOf(charge))

  /** Else who never comes back would be remembered for ever, in the place of others. */
  const forgetPaid = (now: number): void => {
    if (now < cleared + CLEARING) return
    cleared = now
    for (const [name, { paid }] of debts) if (paid <= now) debts.delete(name)
  }

  const owe = (charge: RateLimitCharge, cost: number): void => {
    if (cost === 0) return
    const name = nameOf(charge)
    const debt = debts.get(name)
    const at = elapsed()
    if (debts.size >= MOST_DEBTS) forgetPaid(at)
    if (debt === undefined && debts.size >= MOST_DEBTS) return
    const units = cost + (debt === undefined ? 0 : remaining(charge, debt))
    debts.set(name, { units, at, paid: at + (units * intervalOf(charge)) / 1_000 })
  }

  const oweAll: LocalShare['owe'] = (charges) => {
    for (const charge of charges) owe(charge, charge.cost)
  }

  const takeDebt = (charge: RateLimitCharge): number => {
    const name = nameOf(charge)
    const debt = debts.get(name)
    if (debt === undefined) return 0
    debts.delete(name)
    return Math.min(charge.burst, Math.ceil(remaining(charge, debt)))
  }

  // Who takes nothing is denied for one reason only.
  const refuseBlocked: LocalShare['refuseBlocked'] = async (charges) => {
    const decision = await store.consume(charges.map((charge) => ({ ...partOf(charge, processes), cost: 0 })))
    return decision.outcome === 'denied' ? decision : undefined
  }

  return {
    get isIndebted() {
      return debts.size > 0
    },
    async consume(charges) {
      const decision = await store.consume(charges.map((charge) => partOf(charge, processes)))
      if (decision.outcome !== 'impossible') return decision
      return charges.some(({ cost, burst }) => cost > burst) ? decision : refuseBlocked(charges)
    },
    refuseBlocked,
    block: (key, duration) => void store.block(key, duration),
    owe: oweAll,
    async repay(creditor, charges) {
      forgetPaid(elapsed())
      const owed = withCosts(charges, takeDebt)
      if (owed.length > 0) await repay(creditor, owed, oweAll)
    },
  }
}

/** The charges with other costs, without those that cost nothing. */
function withCosts(
  charges: readonly RateLimitCharge[],
  costOf: (charge: RateLimitCharge) => number,
): readonly RateLimitCharge[] {
  return charges.map((charge) => ({ ...charge, cost: costOf(charge) })).filter(({ cost }) => cost > 0)
}

/** Whatever a quota counts by, its share is spread evenly: a window that begins anew would give its share twice. */
function partOf(charge: RateLimitCharge, processes: number): RateLimitCharge {
  const interval = Math.ceil(intervalOf(charge) * processes)
  const burst = Math.max(1, Math.floor(charge.burst / processes))
  return { quota: charge.quota, key: charge.key, cost: charge.cost, interval, burst }
}

/** Microseconds in which one unit comes back: of a month, as in the longest, so that no month gets more. */
function intervalOf(rate: Rate): number {
  return 'interval' in rate ? rate.interval : Math.ceil(longestOf(rate.window) / rate.burst)
}

function nameOf({ quota, key }: RateLimitCharge): string {
  return `${quota} ${key}`
}
