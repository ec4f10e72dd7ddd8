import type { Exchange, Next, Policy } from '../exchange.js'
import type { Fields } from '../fields.js'
import { keepHeadersOnError, type Reply, withHeaders } from '../reply.js'
import { keyOf } from '../key.js'
import { checkChoice, checkInteger, checkKnown, checkMethods } from '../options.js'
import { refuse } from '../refusal.js'
import { deny } from './denial.js'
import { type FieldsVersion, joinFields, policyField, stateField } from './fields.js'
import { type CheckedQuota, checkQuotas, type Quota, type Terms } from './quota.js'
import type { QuotaState, RateLimitCharge, RateLimitDecision, RateLimitStore } from './store.js'

/** Settings of {@link rateLimit}. */
export interface RateLimitOptions {
  /** Where the budgets live. */
  readonly store: RateLimitStore
  /** The limits. A request passes when every one of them has room for its cost, and then takes from all of them. */
  readonly quotas: readonly Quota[]
  /** The header fields that tell clients how their budgets stand. Default `'draft-11'`. `Retry-After` is always sent. */
  readonly headers?: FieldsVersion
  /** What happens to a request when the store can't decide: a 503, or it passes unlimited. Default `'deny'`. */
  readonly onStoreError?: 'deny' | 'allow'
  /** How many bits of an IPv6 client address count, 32 to 64. Default 56: what one customer usually has. */
  readonly ipv6Prefix?: number
}

/** What an option is when nobody says otherwise. */
export const RATE_LIMIT_DEFAULTS = { headers: 'draft-11', onStoreError: 'deny', ipv6Prefix: 56 } as const

/** When to come back after the store failed, in seconds. */
const STORE_RETRY_AFTER = '5'

/**
 * Lets a request pass while every quota has room for what its operation costs.
 *
 * A refused request takes from none. Refusals: `quota-exceeded` (429), `cost-exceeds-quota` (400),
 * `rate-limit-unavailable` (503).
 *
 * @throws TypeError at start-up when an option can't be right.
 */
export function rateLimit(options: RateLimitOptions): Policy {
  const { store, quotas, headers, onStoreError } = checkOptions(options)
  const fixed = quotas.every(({ fixedTerms }) => fixedTerms !== undefined)
  const fixedPolicy = fixed ? policyField(quotas.map(({ fixedTerms }) => fixedTerms as Terms)) : undefined
  const names = quotas.map(({ name }) => name)

  const fieldsFor = (terms: readonly Terms[], states?: readonly QuotaState[]): Fields => {
    if (headers === 'none') return {}
    const policy = fixedPolicy ?? policyField(terms)
    if (states === undefined) return { 'ratelimit-policy': policy }
    return { 'ratelimit-policy': policy, ratelimit: stateField(names, states) }
  }

  return {
    name: 'rate-limit',
    stage: 'rate-limit',
    needsIdentity: quotas.some(({ needsIdentity }) => needsIdentity),
    async handle(exchange, next) {
      const cost = checkInteger('rateLimit: operation.cost', exchange.operation.cost, 0)
      const terms = quotas.map((quota) => quota.termsFor(exchange.identity))
      const charges = chargesOf(exchange, quotas, terms, cost)
      let decision: RateLimitDecision
      try {
        decision = await store.consume(charges)
      } catch (error) {
        const admitted = onStoreError === 'allow'
        exchange.report({ type: 'rate-limit.store-failed', cost, admitted, reason: reasonOf(error) })
        const fields = fieldsFor(terms)
        if (admitted) return passWith(fields, next)
        return refuse('rate-limit-unavailable', { headers: { 'retry-after': STORE_RETRY_AFTER, ...fields } })
      }
      const fields = fieldsFor(terms, decision.quotas)
      if (decision.outcome === 'admitted') {
        const remaining = Math.min(...decision.quotas.map((state) => state.remaining))
        exchange.report({ type: 'rate-limit.admitted', cost, remaining })
        return passWith(fields, next)
      }
      return deny(exchange, charges, decision, fields)
    },
  }
}

function chargesOf(
  exchange: Exchange,
  quotas: readonly CheckedQuota[],
  terms: readonly Terms[],
  cost: number,
): readonly RateLimitCharge[] {
  let last: CheckedQuota['keyFor'] | undefined
  let key = ''
  return quotas.map(({ name, keyFor, fixedTerms }, index) => {
    // A key is a digest: quotas of one caller that stand side by side share it.
    if (keyFor !== last) key = keyFor(exchange)
    last = keyFor
    const { interval, burst, limit } = terms[index] as Terms
    // Where two tiers meet in one budget, a caller with credentials of both could empty the larger one time and again:
    // what was taken of it is forgotten down to the smaller one's burst.
    const budget = fixedTerms === undefined ? keyOf('rate-limit', 'tier', key, limit) : key
    return { quota: name, key: budget, interval, burst, cost }
  })
}

async function passWith(fields: Fields, next: Next): Promise<Reply> {
  try {
    const reply = await next()
    return withHeaders(reply, joinFields(fields, reply.headers))
  } catch (error) {
    keepFieldsOnError(error, fields)
    throw error
  }
}

/** Koa drops all fields set before an error but those the error carries; an inner limiter may have left its own. */
function keepFieldsOnError(error: unknown, fields: Fields): void {
  const inner = (error as { headers?: Fields | null } | null | undefined)?.headers
  keepHeadersOnError(error, fields)
  if (inner?.['ratelimit-policy'] === undefined || Object.isFrozen(error)) return
  Object.assign(error as object, { headers: { ...inner, ...joinFields(fields, inner) } })
}

function reasonOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : typeof error
}

function checkOptions(options: RateLimitOptions): Checked {
  checkKnown('rateLimit', options, ['store', 'quotas', 'headers', 'onStoreError', 'ipv6Prefix'])
  const { store, quotas, headers, onStoreError, ipv6Prefix } = { ...RATE_LIMIT_DEFAULTS, ...options }
  checkMethods('rateLimit: store', store, ['consume'])
  checkInteger('rateLimit: ipv6Prefix', ipv6Prefix, 32)
  if (ipv6Prefix > 64) throw new TypeError(`rateLimit: ipv6Prefix must be at most 64; got ${ipv6Prefix}`)
  return {
    store,
    quotas: checkQuotas(quotas, ipv6Prefix),
    headers: checkChoice<FieldsVersion>('rateLimit: headers', headers, ['draft-11', 'none']),
    onStoreError: checkChoice('rateLimit: onStoreError', onStoreError, ['deny', 'allow'] as const),
  }
}

interface Checked {
  readonly store: RateLimitStore
  readonly quotas: readonly CheckedQuota[]
  readonly headers: FieldsVersion
  readonly onStoreError: 'deny' | 'allow'
}
