import type { Exchange } from '../exchange.js'
import { elapsedTime } from '../stores/memory/elapsed-time.js'
import { lateBlocks } from './late-blocks.js'
import { localShare } from './local-share.js'
import type { RateLimitSetting } from './options.js'
import type { ConsumeOptions, RateLimitCharge, RateLimitDecision } from './store.js'
import { isUnavailable, reasonOf, whenNotCharged } from '../stores/store-failure.js'

/** What became of a request's charges. */
export type Ruling =
  | { readonly by: 'store' | 'share'; readonly decision: RateLimitDecision }
  /** The store is away, and nobody stands in for it. */
  | { readonly by: 'nobody' }

/**
 * Where a block holds: for everybody who asks the store, or in this process only, until the store is back and has
 * taken it.
 */
export type BlockReach = 'everywhere' | 'here'

/** Decides about charges: the store, or this process while the store is away. */
export interface Decider {
  /** Never rejects. */
  readonly decide: (
    exchange: Exchange,
    charges: readonly RateLimitCharge[],
    options?: ConsumeOptions,
  ) => Promise<Ruling>
  /** Rejects as the store does, unless it is away and the block can wait for it. */
  readonly block: (exchange: Exchange, key: string, duration: number) => Promise<BlockReach>
}

/** So many blocks wait for the store. */
const MOST_LATE = 10_000

/** Makes the decider of a limiter. */
export function decider({ store, onStoreDown, clock, expectedProcesses }: RateLimitSetting): Decider {
  const share = localShare(clock, expectedProcesses)
  const late = lateBlocks(MOST_LATE, elapsedTime(clock))
  let isAway = false

  const standIn = async (charges: readonly RateLimitCharge[], error: unknown): Promise<Ruling> => {
    const isLocal = onStoreDown === 'local'
    const decision = await (isLocal ? share.consume(charges) : share.refuseBlocked(charges))
    if (decision === undefined) return { by: 'nobody' }
    if (decision.outcome === 'admitted') whenNotCharged(error, () => share.owe(charges))
    return { by: 'share', decision }
  }

  const heardOf = (exchange: Exchange, charges: readonly RateLimitCharge[]): void => {
    if (isAway) {
      isAway = false
      exchange.report({ type: 'rate-limit.store-recovered' })
    }
    if (!late.isEmpty || share.isIndebted) catchUp(exchange, charges)
  }

  /** Gives the store what it missed. No request waits for that. */
  const catchUp = (exchange: Exchange, charges: readonly RateLimitCharge[]): void => {
    const failed = (call: 'repay' | 'block') => (error: unknown) => {
      exchange.report({ type: 'rate-limit.store-failed', call, reason: reasonOf(error) })
    }
    if (!late.isEmpty) late.deliver(store).catch(failed('block'))
    if (share.isIndebted) share.repay(store, charges).catch(failed('repay'))
  }

  return {
    async decide(exchange, charges, options) {
      let decision: RateLimitDecision
      try {
        decision = await store.consume(charges, options)
      } catch (error) {
        isAway = true
        exchange.report({ type: 'rate-limit.store-failed', call: 'consume', reason: reasonOf(error) })
        return standIn(charges, error)
      }
      if (decision.isRemembered !== true) heardOf(exchange, charges)
      return { by: 'store', decision }
    },
    async block(exchange, key, duration) {
      // This process knows at once, whatever becomes of the store, now or later.
      const isHere = holds(() => share.block(key, duration))
      const asked = late.ask(key)
      try {
        await store.block(key, duration)
        return 'everywhere'
      } catch (error) {
        if (!isHere || !isUnavailable(error) || !late.keep(key, duration, asked)) throw error
        exchange.report({ type: 'rate-limit.store-failed', call: 'block', reason: reasonOf(error) })
        return 'here'
      } finally {
        late.end(key, asked)
      }
    },
  }
}

function holds(block: () => void): boolean {
  try {
    block()
    return true
  } catch {
    return false
  }
}
