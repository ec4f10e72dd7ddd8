import type { BudgetStore, RateLimitCharge } from './store.js'
import { mayHaveApplied } from '../stores/store-failure.js'

/** How long the store is to remember what is being charged, in milliseconds: for one call. */
const CHARGED_WITHIN = 10_000

/**
 * Charges what is owed, of each key for itself, as far as its budgets go: units that are looked for first could be
 * somebody else's by the time they are taken. What costs more than was foreseen is taken in one step.
 *
 * @param owed costs more than nothing, each.
 * @param owe gets what is certain not to have been charged.
 */
export async function repay(
  store: Pick<BudgetStore, 'consume' | 'settle'>,
  owed: readonly RateLimitCharge[],
  owe: (charges: readonly RateLimitCharge[]) => void,
): Promise<void> {
  const keys = [...new Set(owed.map(({ key }) => key))]
  await Promise.all(keys.map(async (key) => repayKey(owed.filter((charge) => charge.key === key))))

  async function repayKey(charges: readonly RateLimitCharge[]): Promise<void> {
    let isAsked = false
    try {
      const nothing = charges.map((charge) => ({ ...charge, cost: 0 }))
      const decision = await store.consume(nothing, { reserve: CHARGED_WITHIN })
      // The key is blocked: nothing can be charged before that ends.
      if (decision.outcome !== 'admitted') return owe(charges)
      if (decision.receipt === undefined) return
      isAsked = true
      const costs = charges.map(({ cost }) => cost)
      await store.settle(decision.receipt, costs)
    } catch (error) {
      if (!isAsked || !mayHaveApplied(error)) owe(charges)
      throw error
    }
  }
}
