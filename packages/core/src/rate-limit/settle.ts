import type { Exchange } from '../exchange.js'
import { reasonOf } from './decider.js'
import type { RateLimitSetting } from './options.js'
import type { ConsumeOptions, RateLimitReceipt } from './store.js'

/** Charges what a request really cost, when that is known. */
export interface Settler {
  /** How to charge an operation that may turn out cheaper; undefined where its cost is final. */
  reservation(cost: number): ConsumeOptions | undefined
  /** Settles what the exchange says it spent. Nobody waits for it. */
  spent(exchange: Exchange, receipt: RateLimitReceipt): void
}

/** Makes the settler of a limiter. A cost of 1 is final: no request costs less, and most pay no reservation this way. */
export function settler({ store, settleWithin }: Pick<RateLimitSetting, 'store' | 'settleWithin'>): Settler {
  const reserved: ConsumeOptions = { reserve: settleWithin }
  return {
    reservation: (cost) => (cost > 1 ? reserved : undefined),
    spent(exchange, receipt) {
      const { spent } = exchange
      const { cost } = exchange.operation
      if (spent === undefined || spent === cost || !Number.isSafeInteger(spent) || spent < 0) return
      settle(receipt, spent).then(
        () => exchange.report({ type: 'rate-limit.settled', cost, spent }),
        (error: unknown) => {
          exchange.report({ type: 'rate-limit.store-failed', call: 'settle', reason: reasonOf(error) })
        },
      )
    },
  }

  async function settle(receipt: RateLimitReceipt, spent: number): Promise<void> {
    await store.settle(
      receipt,
      receipt.charges.map(() => spent),
    )
  }
}
