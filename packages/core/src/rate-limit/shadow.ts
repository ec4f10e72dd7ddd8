import type { Exchange } from '../exchange.js'
import { reasonOf } from '../stores/store-failure.js'
import type { RateLimitSetting } from './options.js'
import { chargesOf, type Plan } from './plan.js'
import type { CheckedQuota } from './quota.js'
import { costsOf, reservationOf, spentOf } from './settle.js'
import type { RateLimitReceipt } from './store.js'

/** Charges the shadow quotas of a request. What it gives is called when the request's real cost is known. */
export type Watch = (exchange: Exchange, plan: Plan) => () => void

/**
 * Charges the quotas in shadow mode, reports what they would have refused, and settles them as the others are. Each
 * stands alone, or one that would refuse kept the others from counting; nobody waits for them. They see what the other
 * quotas let pass.
 */
export function shadowing({ store, settleWithin }: Pick<RateLimitSetting, 'store' | 'settleWithin'>): Watch {
  return (exchange, { shadows }) => {
    if (shadows.length === 0) return nothing
    const charged = shadows.map((shadow) => quietly(exchange, observe(exchange, shadow)))
    return () => {
      const spent = spentOf(exchange)
      if (spent === undefined) return
      for (const [index, receipt] of charged.entries())
        void quietly(exchange, settle(receipt, costsOf(shadows.slice(index, index + 1), spent)))
    }
  }

  async function observe(exchange: Exchange, quota: CheckedQuota): Promise<RateLimitReceipt | undefined> {
    const terms = [quota.termsFor(exchange.identity)]
    const { cost } = exchange.operation
    const decision = await store.consume(
      chargesOf(exchange, [quota], terms),
      reservationOf([quota], cost, settleWithin),
    )
    if (decision.outcome === 'admitted') return decision.receipt
    const wait = Math.ceil((decision.quotas[0]?.wait ?? 0) / 1_000)
    exchange.report({ type: 'rate-limit.shadow-denied', cost, quota: quota.name, wait })
    return undefined
  }

  async function settle(
    charged: Promise<RateLimitReceipt | undefined>,
    costs: readonly number[],
  ): Promise<void> {
    const receipt = await charged
    if (receipt !== undefined) await store.settle(receipt, costs)
  }
}

/** What a shadow quota can't do is told to observers only. */
async function quietly<T>(exchange: Exchange, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    exchange.report({ type: 'rate-limit.store-failed', call: 'shadow', reason: reasonOf(error) })
    return undefined
  }
}

function nothing(): void {}
