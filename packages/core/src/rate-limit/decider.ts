import type { Exchange } from '../exchange.js'
import { localShare, mayHaveApplied } from './local-share.js'
import type { RateLimitSetting } from './options.js'
import type { ConsumeOptions, RateLimitCharge, RateLimitDecision } from './store.js'

/** What became of a request's charges. */
export type Ruling =
  | { readonly by: 'store' | 'share'; readonly decision: RateLimitDecision }
  /** The store is away, and nobody stands in for it. */
  | { readonly by: 'nobody' }

/** Decides about charges: the store, or this process while the store is away. It never rejects. */
export type Decider = (
  exchange: Exchange,
  charges: readonly RateLimitCharge[],
  options?: ConsumeOptions,
) => Promise<Ruling>

/** Makes the decider of a limiter. */
export function decider({ store, onStoreDown, clock, expectedProcesses }: RateLimitSetting): Decider {
  const share = localShare(clock, expectedProcesses)
  let isAway = false

  return async (exchange, charges, options) => {
    let decision: RateLimitDecision
    try {
      if (share.isIndebted) await share.repay(store, charges)
      decision = await store.consume(charges, options)
    } catch (error) {
      isAway = true
      exchange.report({ type: 'rate-limit.store-failed', call: 'consume', reason: reasonOf(error) })
      if (onStoreDown !== 'local') return { by: 'nobody' }
      const stoodIn = await share.consume(charges)
      if (stoodIn === undefined) return { by: 'nobody' }
      // A call without an answer may have been charged already: it is not charged again.
      if (stoodIn.outcome === 'admitted' && !mayHaveApplied(error)) share.owe(charges)
      return { by: 'share', decision: stoodIn }
    }
    if (isAway) {
      isAway = false
      exchange.report({ type: 'rate-limit.store-recovered' })
    }
    return { by: 'store', decision }
  }
}

/** What may be said of a store's error. */
export function reasonOf(error: unknown): string {
  const { code, name, reason } = (error ?? {}) as Record<'code' | 'name' | 'reason', unknown>
  if (code === 'store-unavailable' && typeof reason === 'string') return reason
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : typeof error
}
