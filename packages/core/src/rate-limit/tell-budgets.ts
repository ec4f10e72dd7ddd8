import type { Exchange } from '../exchange.js'
import type { Budget } from './budget.js'
import { longestOf } from './calendar.js'
import type { RateLimitSetting } from './options.js'
import type { CheckedQuota } from './quota.js'
import type { Rate } from './rate.js'
import { spentOf } from './settle.js'
import type { RateLimitCharge, RateLimitDecision } from './store.js'

const SECOND = 1_000_000

/** Lets whoever answers see how the budgets stand; those of an outer limiter come first. Nothing is made until asked. */
export function tellBudgets(
  { clock, settleWithin }: Pick<RateLimitSetting, 'clock' | 'settleWithin'>,
  exchange: Exchange,
  charged: Charged,
): void {
  const { decision } = charged
  const isReserved = decision.outcome === 'admitted' && decision.receipt !== undefined
  const lapses = isReserved ? clock.now() + settleWithin : 0
  const outer = exchange.budgets
  exchange.budgets = () => {
    // As if the real cost had been charged at the start: that is what settling makes of it.
    const givenBack = clock.now() < lapses ? overchargeOf(exchange) : 0
    return [...(outer?.() ?? []), ...budgetsOf(charged, givenBack)]
  }
}

/** What was asked of the store, and what it decided. */
interface Charged {
  readonly quotas: readonly CheckedQuota[]
  readonly charges: readonly RateLimitCharge[]
  readonly decision: RateLimitDecision
}

function budgetsOf({ quotas, charges, decision }: Charged, givenBack: number): readonly Budget[] {
  const admitted = decision.outcome === 'admitted'
  return charges.flatMap((charge, index): readonly Budget[] => {
    const { remaining = 0, wait = 0 } = decision.quotas[index] ?? {}
    const counts = admitted ? quotas[index]?.cost === undefined : wait > 0
    if (!counts) return []
    const { burst } = charge
    const left = Math.min(burst, Math.max(0, remaining + givenBack))
    return [{ name: quotas[index]?.name ?? '', burst, remaining: left, perSecond: perSecond(charge) }]
  })
}

/** Negative where it cost more than was foreseen. */
function overchargeOf(exchange: Exchange): number {
  const { cost } = exchange.operation
  return cost - (spentOf(exchange) ?? cost)
}

function perSecond(rate: Rate): number {
  return SECOND / ('interval' in rate ? rate.interval : longestOf(rate.window) / rate.burst)
}
