import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable, type UnavailableReason } from '../../src/stores/unavailable.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

export const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
/** Ten a second, 8 at once. */
export const QUOTA: Quota = { name: 'q', limit: 10, window: '1s', burst: 8, key: 'ip' }

/** A central store that can be cut off, and processes that share it. */
export function fleet(processes: number, options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const central = memoryRateLimitStore({ clock })
  let away: UnavailableReason | undefined
  let calls = 0
  const store: BudgetStore = {
    consume: (charges, asked) => {
      calls += 1
      return away === undefined ? central.consume(charges, asked) : Promise.reject(new StoreUnavailable(away))
    },
    settle: (receipt, costs) => central.settle(receipt, costs),
    block: (key, duration) => central.block(key, duration),
  }
  const policies = Array.from({ length: processes }, () =>
    rateLimit({ store, clock, quotas: [QUOTA], expectedProcesses: processes, ...options }),
  )
  const send = async (process = 0, cost = 1, address?: string) => {
    const exchange = literalExchange({ operation: { cost }, ...(address === undefined ? {} : { address }) })
    const reply = await policies[process]?.handle(exchange, () => Promise.resolve(OK))
    return { reply, events: exchange.events, admitted: reply?.kind === 'answer' }
  }
  return { clock, send, cut: (reason?: UnavailableReason) => void (away = reason), calls: () => calls }
}
