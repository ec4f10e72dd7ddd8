import type { Exchange } from '../exchange.js'
import { reasonOf } from './decider.js'
import type { RateLimitSetting } from './options.js'
import { chargesOf, type Plan } from './plan.js'
import type { CheckedQuota } from './quota.js'

/**
 * Charges the quotas in shadow mode and reports what they would have refused. Each stands alone, or one that would
 * refuse kept the others from counting; nobody waits for them. They see what the other quotas let pass.
 */
export function shadowing({
  store,
}: Pick<RateLimitSetting, 'store'>): (exchange: Exchange, plan: Plan) => void {
  return (exchange, { shadows }) => {
    for (const shadow of shadows) {
      observe(exchange, shadow).catch((error: unknown) => {
        exchange.report({ type: 'rate-limit.store-failed', call: 'shadow', reason: reasonOf(error) })
      })
    }
  }

  async function observe(exchange: Exchange, quota: CheckedQuota): Promise<void> {
    const terms = [quota.termsFor(exchange.identity)]
    const { outcome, quotas } = await store.consume(chargesOf(exchange, [quota], terms))
    if (outcome === 'admitted') return
    const { cost } = exchange.operation
    const wait = Math.ceil((quotas[0]?.wait ?? 0) / 1_000)
    exchange.report({ type: 'rate-limit.shadow-denied', cost, quota: quota.name, wait })
  }
}
