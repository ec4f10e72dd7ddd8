import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import type { Incoming } from '../exchange.js'
import { checkIpv6Prefix, networkOf } from '../http/ip.js'
import { keyOf } from '../key.js'
import { checkInteger, checkKnown, checkMethods } from '../options.js'
import type { GcraRate } from '../rate-limit/rate.js'
import type { BudgetStore, RateLimitCharge, RateLimitDecision } from '../rate-limit/store.js'
import { memoryRateLimitStore } from '../stores/memory/rate-limit.js'
import { takeTurns } from './turns.js'

/** How often an address may fail. */
export interface FailureOptions {
  /** Where failures are counted: the store of a rate limiter. While it is away, this process counts alone. */
  readonly store: Pick<BudgetStore, 'consume'>
  /** How many failures an address has. */
  readonly quota: FailureQuota
  /** How many bits of an IPv6 client address count, 32 to 64. Default 56: what one customer usually has. */
  readonly ipv6Prefix?: number
  /** Of waiting, and of this process alone while the store is away. Default: the machine's clock. */
  readonly clock?: Clock
}

/** So many failures in a window. */
export interface FailureQuota {
  /** Failures that come back in a window: an integer. */
  readonly limit: number
  /** Milliseconds, or `'15m'`. */
  readonly window: Duration
  /** Failures at once, after a rest. Default: a tenth of the limit, rounded down, at least 1. */
  readonly burst?: number
}

/** Counts failed credentials by the client's address. */
export interface FailureLimit {
  /**
   * Looks at a credential of an address that has failures left: at no more at a time than those, or a burst of guesses
   * would be looked at before the first of them counts.
   *
   * @param isFailure whether the credential was bad: it is charged before this resolves.
   * @returns what `look` gives; or how long the address must wait, in microseconds.
   */
  guard<T extends object>(
    incoming: Pick<Incoming, 'address'>,
    look: () => Promise<T>,
    isFailure: (result: T) => boolean,
    onStoreError: StoreErrorListener,
  ): Promise<T | number>
}

type StoreErrorListener = (error: unknown) => void

/** The quota's name, for clients and stores. */
export const FAILURE_QUOTA = 'auth-failure'

/** What an option is when nobody says otherwise. */
export const FAILURE_DEFAULTS = { ipv6Prefix: 56 } as const

/** Addresses that this process counts alone, while the store is away. */
const LOCAL_ENTRIES = 10_000

/** How long a credential may wait for others of its address, in milliseconds: those that are looked at may hang. */
const LONGEST_TURN = 1_000

/** @throws TypeError that names the option. */
export function failureLimit(options: FailureOptions): FailureLimit {
  checkKnown('authenticate: failures', options, ['store', 'quota', 'ipv6Prefix', 'clock'])
  const { store, quota, ipv6Prefix, clock = systemClock } = { ...FAILURE_DEFAULTS, ...options }
  checkMethods('authenticate: failures.store', store, ['consume'])
  checkIpv6Prefix('authenticate: failures.ipv6Prefix', ipv6Prefix)
  const rate = checkRate(quota)
  // A store that is away must not make guessing free.
  const local = memoryRateLimitStore({ maxEntries: LOCAL_ENTRIES, clock })
  const turns = takeTurns(clock, LONGEST_TURN)

  const consume = async (
    key: string,
    cost: 0 | 1,
    onStoreError: StoreErrorListener,
  ): Promise<RateLimitDecision> => {
    const charges: readonly RateLimitCharge[] = [{ ...rate, quota: FAILURE_QUOTA, key, cost }]
    try {
      return await store.consume(charges)
    } catch (error) {
      onStoreError(error)
      return local.consume(charges)
    }
  }

  return {
    async guard(incoming, look, isFailure, onStoreError) {
      const key = keyOf(FAILURE_QUOTA, networkOf(incoming.address, ipv6Prefix))
      let wait = 0
      const turn = await turns.take(
        key,
        async () => {
          const decision = await consume(key, 0, onStoreError)
          const [state] = decision.quotas
          const remaining = decision.outcome === 'denied' ? 0 : (state?.remaining ?? 1)
          wait = decision.outcome === 'denied' ? decision.wait : (state?.renewal ?? 0)
          return remaining
        },
        async () => {
          const result = await look()
          const used = isFailure(result)
          if (used) await consume(key, 1, onStoreError)
          return { result, used }
        },
      )
      if (turn === 'full') return wait
      return turn === 'late' ? LONGEST_TURN * 1_000 : turn.result
    },
  }
}

/** As a rate limiter reads its quotas. */
function checkRate(quota: FailureQuota): GcraRate {
  checkKnown('authenticate: failures.quota', quota, ['limit', 'window', 'burst'])
  const limit = checkInteger('authenticate: failures.quota.limit', quota.limit)
  const window = milliseconds('authenticate: failures.quota.window', quota.window)
  const burst = checkInteger(
    'authenticate: failures.quota.burst',
    quota.burst ?? Math.max(1, Math.floor(limit / 10)),
  )
  const interval = Math.ceil((window * 1_000) / limit)
  if (interval * burst > MOST_MICROSECONDS) {
    throw new TypeError('authenticate: failures.quota.window is too long: 31 years are the most')
  }
  return { interval, burst }
}

/** Sums of times stay exact. */
const MOST_MICROSECONDS = 999_999_999_999_999
