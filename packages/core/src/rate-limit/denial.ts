import type { Exchange } from '../exchange.js'
import type { Fields } from '../fields.js'
import { type Refusal, refuse } from '../refusal.js'
import type { Terms } from './quota.js'
import { retryAfter } from './retry-after.js'
import type { RateLimitCharge, RateLimitDecision } from './store.js'

/** Any decision but `admitted`. */
export type Denial = Exclude<RateLimitDecision, { readonly outcome: 'admitted' }>

/** How a denial is told. */
export interface DenialInit {
  readonly charges: readonly RateLimitCharge[]
  readonly fields: Fields
  readonly degraded: boolean
  /** In milliseconds. */
  readonly retrySpread: number
}

/** Says no: 429 when the request fits later or the caller is blocked, 400 without a time to come back when it never will. */
export function deny(
  exchange: Exchange,
  terms: readonly Terms[],
  denial: Denial,
  { charges, fields, degraded, retrySpread }: DenialInit,
): Refusal {
  const { cost } = exchange.operation
  if (denial.outcome === 'impossible') {
    const violated = terms.filter((_, index) => isImpossible(charges[index])).map(({ name }) => name)
    const tightest = charges.filter(isImpossible).toSorted((one, other) => one.burst - other.burst)[0]
    exchange.report({ type: 'rate-limit.impossible', cost, violated })
    return refuse('cost-exceeds-quota', {
      detail: `The request costs ${tightest?.cost}; at most ${tightest?.burst} can be taken at once.`,
      headers: fields,
      members: { 'violated-policies': violated },
    })
  }
  const { wait, quotas } = denial
  const violated = terms.filter((_, index) => (quotas[index]?.wait ?? 0) > 0).map(({ name }) => name)
  const blocked = denial.isBlocked === true
  exchange.report({
    type: 'rate-limit.denied',
    cost,
    violated,
    wait: Math.ceil(wait / 1_000),
    blocked,
    degraded,
  })
  const later = retryAfter(wait, retrySpread)
  if (blocked) return refuse('caller-blocked', { headers: { 'retry-after': later, ...fields } })
  return refuse('quota-exceeded', {
    detail: violated.map((name) => `The quota '${name}' is exceeded.`).join(' '),
    headers: { 'retry-after': later, ...fields },
    members: { 'violated-policies': violated },
  })
}

function isImpossible(charge: RateLimitCharge | undefined): boolean {
  return charge !== undefined && charge.cost > charge.burst
}
