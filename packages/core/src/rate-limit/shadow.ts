import type { Exchange } from '../exchange.js'
import { reasonOf } from './decider.js'
import type { RateLimitSetting } from './options.js'
import { chargesOf, type Plan } from './plan.js'
import type { RateLimitCharge } from './store.js'

/**
 * Charges the quotas in shadow mode and reports what they would have refused. Each stands alone, or one that would
 * refuse kept the others from counting; nobody waits for them. They see what the other quotas let pass.
 */
export function shadowing({
  store,
}: Pick<RateLimitSetting, 'store'>): (exchange: Exchange, plan: Plan) => void {
  return (exchange, { shadows }) => {
    if (shadows.length === 0) return
    const terms = shadows.map((quota) => quota.termsFor(exchange.identity))
    chargesOf(exchange, shadows, terms).forEach((charge, index) => {
      observe(exchange, terms[index]?.name ?? '', charge).catch((error: unknown) => {
        exchange.report({ type: 'rate-limit.store-failed', call: 'shadow', reason: reasonOf(error) })
      })
    })
  }

  async function observe(exchange: Exchange, quota: string, charge: RateLimitCharge): Promise<void> {
    const { outcome, quotas } = await store.consume([charge])
    if (outcome === 'admitted') return
    const wait = Math.ceil((quotas[0]?.wait ?? 0) / 1_000)
    exchange.report({ type: 'rate-limit.shadow-denied', cost: charge.cost, quota, wait })
  }
}
