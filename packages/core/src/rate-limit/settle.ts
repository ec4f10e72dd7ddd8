import type { Exchange } from '../exchange.js'
import { reasonOf } from '../stores/store-failure.js'
import type { RateLimitSetting } from './options.js'
import type { CheckedQuota } from './quota.js'
import type { ConsumeOptions, RateLimitReceipt } from './store.js'

/** Charges what a request really cost, when that is known. */
export interface Settler {
  /** How to charge an operation that may turn out cheaper; undefined where what it takes is final. */
  reservation(quotas: readonly CheckedQuota[], cost: number): ConsumeOptions | undefined
  /** Settles what the exchange says it spent. Nobody waits for it. */
  spent(exchange: Exchange, quotas: readonly CheckedQuota[], receipt: RateLimitReceipt): void
}

/** Makes the settler of a limiter. */
export function settler({ store, settleWithin }: Pick<RateLimitSetting, 'store' | 'settleWithin'>): Settler {
  return {
    reservation: (quotas, cost) => reservationOf(quotas, cost, settleWithin),
    spent(exchange, quotas, receipt) {
      const { cost } = exchange.operation
      const spent = spentOf(exchange)
      if (spent === undefined) return
      settle(receipt, costsOf(quotas, spent)).then(
        () => exchange.report({ type: 'rate-limit.settled', cost, spent }),
        (error: unknown) => {
          exchange.report({ type: 'rate-limit.store-failed', call: 'settle', reason: reasonOf(error) })
        },
      )
    },
  }

  async function settle(receipt: RateLimitReceipt, costs: readonly number[]): Promise<void> {
    await store.settle(receipt, costs)
  }
}

/** Final are a cost of 1, since no request costs less, and what quotas take by themselves: most pay no reservation. */
export function reservationOf(
  quotas: readonly CheckedQuota[],
  cost: number,
  settleWithin: number,
): ConsumeOptions | undefined {
  const isFinal = cost <= 1 || quotas.every((quota) => quota.cost !== undefined)
  return isFinal ? undefined : { reserve: settleWithin }
}

/** What a request takes of each quota in the end: of some always the same. */
export function costsOf(quotas: readonly CheckedQuota[], spent: number): readonly number[] {
  return quotas.map(({ cost }) => cost ?? spent)
}

/** What a request really cost, where that is another number than it was charged, and a number at all. */
export function spentOf({ spent, operation }: Exchange): number | undefined {
  if (spent === undefined || spent === operation.cost) return undefined
  return Number.isSafeInteger(spent) && spent >= 0 ? spent : undefined
}
