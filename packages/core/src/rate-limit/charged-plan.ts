import type { RateLimitCharge } from './store.js'

/**
 * Whether two requests take from the same budgets under the same rates, whatever they cost. Compared member by member:
 * to write a name for a plan costs more than all the rest of a decision from memory.
 */
export function isSamePlan(one: readonly RateLimitCharge[], other: readonly RateLimitCharge[]): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index += 1) {
    const a = one[index] as RateLimitCharge
    const b = other[index] as RateLimitCharge
    if (a.key !== b.key || a.quota !== b.quota || a.burst !== b.burst || !isSameSpan(a, b)) return false
  }
  return true
}

/** The one cost of all charges of one key; undefined where costs or keys differ. */
export function commonCost(charges: readonly RateLimitCharge[]): number | undefined {
  const [first] = charges
  for (const { cost, key } of charges) if (cost !== first?.cost || key !== first.key) return undefined
  return first?.cost
}

/** The key that plans are found by: plans of one caller are few. */
export function callerOf(charges: readonly RateLimitCharge[]): string {
  return charges[0]?.key ?? ''
}

/** How fast a budget fills, whatever its algorithm is. */
interface Span {
  readonly algorithm?: string
  readonly interval?: number
  readonly window?: number | string
}

function isSameSpan(one: Span, other: Span): boolean {
  return one.interval === other.interval && one.window === other.window && one.algorithm === other.algorithm
}
