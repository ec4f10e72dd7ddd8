import type { Fields } from '../fields.js'
import { legacyFields, policyField, stateField } from './fields.js'
import type { RateLimitSetting } from './options.js'
import type { Plan } from './plan.js'
import type { CheckedQuota, Terms } from './quota.js'
import type { QuotaState, RateLimitCharge } from './store.js'

/** What a request is told of, and how it stands: unknown while the store is away. */
export interface Told {
  readonly plan: Plan
  readonly terms: readonly Terms[]
  readonly charges: readonly RateLimitCharge[]
  readonly states?: readonly QuotaState[]
}

/** The fields of the version that was asked for. */
export function replyFields(
  { headers, clock, partitionsOf }: RateLimitSetting,
  { plan, terms, charges, states }: Told,
): Fields {
  if (headers === 'none') return {}
  const legacy =
    headers === 'draft-11' || states === undefined ? undefined : legacyFields(terms, states, clock.now())
  if (headers === 'legacy') return legacy ?? {}
  const partitions = partitionsOf?.(charges)
  const isFixed = plan.policyField !== undefined && partitions === undefined
  const fields: Record<string, string> = {
    'ratelimit-policy': isFixed ? plan.policyField : policyField(terms, partitions),
  }
  if (states !== undefined) fields['ratelimit'] = stateField(plan.enforced.map(nameOf), states, partitions)
  return Object.assign(fields, legacy)
}

function nameOf({ name }: CheckedQuota): string {
  return name
}
