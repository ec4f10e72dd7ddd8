import type { Identity } from '../auth/identity.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkChoice, checkInteger, checkKnown, checkText } from '../options.js'
import { LARGEST_INTEGER, type QuotaTerms, TOKEN } from './fields.js'
import type { GcraRate } from './rate.js'
import { type BudgetKey, budgetKey, QUOTA_KEYS, type QuotaKey } from './quota-key.js'

/** One limit: so many units in a window, for each caller, address, route or whatever `key` says. */
export interface Quota {
  /**
   * What clients and observers see, unique in the limiter: letters, digits and ``!#$%&'*+-.^_`|~:/``, a letter first.
   * Limiters that share a store share the budgets of quotas of one name and key.
   */
  readonly name: string
  /**
   * Units in a window: an integer. Or a function of the caller, for tiers: each limit it returns is a budget of its
   * own, so a caller whose limit changes starts with a full one.
   */
  readonly limit: number | ((identity: Identity | undefined) => number)
  /** Milliseconds, or `'1m'`. */
  readonly window: Duration
  /**
   * Units that may be taken at once after a rest; an operation that costs more can never run. Default: a tenth of
   * the limit, rounded down, at least 1.
   */
  readonly burst?: number
  /**
   * `true`: never more than `limit` in any window, the burst included; the steady rate is lower by the burst.
   * Default `false`: the steady rate is `limit` per window, and a burst may come on top of it.
   */
  readonly strict?: boolean
  /** Whose budget it is. Default `'identity'`. */
  readonly key?: QuotaKey
}

/** A quota for one caller. */
export interface Terms extends QuotaTerms, GcraRate {}

/** A quota that was checked. */
export interface CheckedQuota {
  readonly name: string
  termsFor(identity: Identity | undefined): Terms
  /** The same for everybody; undefined when they depend on the caller. */
  readonly fixedTerms: Terms | undefined
  /** Equal functions give equal keys: quotas with the same `key` share one. */
  readonly keyFor: BudgetKey
  readonly needsIdentity: boolean
}

/**
 * Checks the quotas of a limiter.
 *
 * @throws TypeError that names the option.
 */
export function checkQuotas(quotas: unknown, ipv6Prefix: number): readonly CheckedQuota[] {
  if (!Array.isArray(quotas) || quotas.length === 0) {
    throw new TypeError('rateLimit: quotas must be a non-empty array')
  }
  const names = new Set<string>()
  const budgetKeys = new Map<QuotaKey, BudgetKey>()
  return quotas.map((quota: unknown, index) => {
    const option = `rateLimit: quotas[${index}]`
    checkKnown(option, quota, ['name', 'limit', 'window', 'burst', 'strict', 'key'])
    const { key = 'identity', limit } = quota as Quota
    const name = checkName(`${option}.name`, (quota as Quota).name)
    if (names.has(name)) throw new TypeError(`${option}.name: two quotas are named '${name}'`)
    names.add(name)

    if (typeof key !== 'function') checkChoice(`${option}.key`, key, QUOTA_KEYS)
    const keyFor = budgetKeys.get(key) ?? budgetKey(`${option}.key`, key, ipv6Prefix)
    budgetKeys.set(key, keyFor)
    const needsIdentity = key === 'identity' || key === 'tenant' || typeof limit === 'function'
    return { name, keyFor, needsIdentity, ...checkTerms(option, quota as Quota) }
  })
}

function checkName(option: string, value: unknown): string {
  const name = checkText(option, value)
  if (TOKEN.test(name) && name.length <= 64) return name
  throw new TypeError(
    `${option} must begin with a letter, hold no space, quote, comma or semicolon, and have at most 64 characters`,
  )
}

function checkTerms(option: string, quota: Quota): Pick<CheckedQuota, 'termsFor' | 'fixedTerms'> {
  const { name, limit, burst, strict = false } = quota
  const window = milliseconds(`${option}.window`, quota.window)
  if (burst !== undefined) checkInteger(`${option}.burst`, burst)
  if (typeof strict !== 'boolean') throw new TypeError(`${option}.strict must be true or false`)
  const termsOf = (units: number): Terms => makeTerms(option, { name, window, limit: units, burst, strict })

  if (typeof limit === 'function') {
    return { fixedTerms: undefined, termsFor: (identity) => termsOf(limit(identity)) }
  }
  const fixedTerms = termsOf(limit)
  return { fixedTerms, termsFor: () => fixedTerms }
}

type Setting = QuotaTerms & { readonly burst: number | undefined; readonly strict: boolean }

/** Intervals are rounded up to whole microseconds: a limit is never exceeded, and missed by 1 % at 10,000 a second. */
function makeTerms(option: string, { name, limit, window, burst: given, strict }: Setting): Terms {
  checkInteger(`${option}.limit`, limit)
  const burst = given ?? Math.max(1, Math.floor(limit / 10))
  if (strict && burst >= limit) {
    throw new TypeError(
      `${option}.burst must be less than the limit in a strict quota; got ${burst} of ${limit}`,
    )
  }
  const exactInterval = (window * 1_000) / (strict ? limit - burst : limit)
  if (exactInterval < 1) throw new TypeError(`${option}.limit is more than one unit per microsecond`)
  const interval = Math.ceil(exactInterval)
  // Keeps every sum of times exact, and every number in a form the header fields can say.
  if (window * 1_000 > LARGEST_INTEGER || interval * burst > LARGEST_INTEGER) {
    throw new TypeError(`${option}.window is too long, or burst too large for it: 31 years are the most`)
  }
  return { name, limit, window, burst, interval }
}
