import type { RateLimitCharge, RateLimitDecision } from './store.js'

/** How many units the next lease of a plan has. */
export interface LeaseSize {
  /**
   * @param isBusy whether the last were used up in their time.
   * @param least how many are waited for.
   */
  next(charges: readonly RateLimitCharge[], isBusy: boolean, least: number): number
  /** The store has given them. */
  granted(): void
  /** The store has not so many: half of what is there next time. */
  denied(quotas: RateLimitDecision['quotas'], now: number): void
  /** A lease ended when so many of it had been used. */
  ended(used: number): void
}

/** Leases double while they are used up before their time, and shrink to what was used when they were not. */
export function leaseSize(maxUnits: number, ttl: number, elapsed: () => number): LeaseSize {
  let size = 1
  /** The most units after a denial, and until when. */
  let ceiling = Number.POSITIVE_INFINITY
  let lowUntil = Number.NEGATIVE_INFINITY

  return {
    next(charges, isBusy, least) {
      let most = elapsed() < lowUntil ? Math.min(maxUnits, ceiling) : maxUnits
      for (const { burst } of charges) most = Math.min(most, Math.floor(burst / 2))
      size = Math.max(1, Math.min(isBusy ? size * 2 : size, most))
      return Math.min(Math.max(size, least), most)
    },
    granted() {
      lowUntil = Number.NEGATIVE_INFINITY
    },
    denied(quotas, now) {
      ceiling = Math.floor(Math.min(...quotas.map(({ remaining }) => remaining)) / 2)
      lowUntil = now + ttl
    },
    ended(used) {
      size = Math.max(1, used)
    },
  }
}
