import type { QuotaState, RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import { decided } from './rate-limit-wire.js'

/** Charges of one key, and where they stood among all. */
export interface ChargeGroup {
  readonly key: string
  readonly charges: readonly RateLimitCharge[]
  readonly places: readonly number[]
}

/** Groups charges by key, in the order of the keys. */
export function groupsOf(charges: readonly RateLimitCharge[]): readonly ChargeGroup[] {
  const groups = new Map<string, { key: string; charges: RateLimitCharge[]; places: number[] }>()
  for (const [place, charge] of charges.entries()) {
    const group = groups.get(charge.key)
    if (group === undefined) groups.set(charge.key, { key: charge.key, charges: [charge], places: [place] })
    else {
      group.charges.push(charge)
      group.places.push(place)
    }
  }
  return [...groups.values()]
}

/** One decision of those about each group. Where one denied, the others only tell how their budgets stand. */
export function joined(
  groups: readonly ChargeGroup[],
  decisions: readonly RateLimitDecision[],
): RateLimitDecision {
  const quotas: QuotaState[] = []
  for (const [index, { places }] of groups.entries()) {
    for (const [nth, place] of places.entries()) quotas[place] = decisions[index]?.quotas[nth] as QuotaState
  }
  const outcomes = new Set(decisions.map(({ outcome }) => outcome))
  if (outcomes.has('impossible')) return decided('impossible', quotas, false)
  const isBlocked = decisions.some((one) => one.outcome === 'denied' && one.isBlocked === true)
  return decided(outcomes.has('denied') ? 'denied' : 'admitted', quotas, isBlocked)
}
