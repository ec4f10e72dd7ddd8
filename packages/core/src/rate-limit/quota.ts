import type { Identity } from '../auth/identity.js'
import type { Duration } from '../duration.js'
import { checkChoice, checkInteger, checkKnown, checkText } from '../options.js'
import { LARGEST_INTEGER, type QuotaTerms, TOKEN } from './fields.js'
import { type Rate, strictInterval } from './rate.js'
import { type BudgetKey, budgetKey, QUOTA_KEYS, type QuotaKey } from './quota-key.js'
import { type CalendarWindow, checkWindow, type QuotaWindow } from './quota-window.js'

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
  /**
   * Milliseconds, or `'1m'`. Or a fixed window of the calendar in UTC: `'hour'`, `'day'`, `'week'` (from Monday on) or
   * `'month'`.
   */
  readonly window: Duration | CalendarWindow
  /**
   * Units that each request takes, whatever its operation costs, and whatever it turns out to have cost: 1 counts
   * requests beside a quota that counts points. An integer of at least 1. Default: the cost of the operation.
   */
  readonly cost?: number
  /**
   * Units that may be taken at once after a rest; an operation that costs more can never run. Only with `gcra`; in a
   * window it is the limit. Default: a tenth of the limit, rounded down, at least 1.
   */
  readonly burst?: number
  /**
   * `true`: never more than `limit` in any window, the burst included; the steady rate is lower by the burst. Only with
   * `gcra`. Default `false`: the steady rate is `limit` per window, and a burst may come on top of it.
   */
  readonly strict?: boolean
  /**
   * How it counts: `gcra` gives units back one by one; `sliding-window` never admits more than the limit in any window;
   * `fixed-window` begins anew at each multiple of the window, and may admit twice the limit around that moment.
   * Default `'gcra'`; of a window of the calendar `'fixed-window'`, and no other.
   */
  readonly algorithm?: QuotaAlgorithm
  /** Whose budget it is. Default `'identity'`. */
  readonly key?: QuotaKey
  /** `true`: it decides and reports, and never refuses; clients don't see it. Default `false`. */
  readonly shadow?: boolean
  /** `true`: it holds only for operations that name it in their `quotas`. Default `false`: for all. */
  readonly declared?: boolean
}

/** How a quota counts. */
export type QuotaAlgorithm = 'gcra' | 'fixed-window' | 'sliding-window'

/** A quota for one caller. */
export interface Terms extends QuotaTerms {
  readonly rate: Rate
  /** Which budget of the caller: the quota's name, and the limit where tiers have budgets of their own. */
  readonly budget: string
}

/** A quota that was checked. */
export interface CheckedQuota {
  readonly name: string
  readonly shadow: boolean
  readonly declared: boolean
  /** What each request takes; undefined where that is the cost of its operation. */
  readonly cost: number | undefined
  termsFor(identity: Identity | undefined): Terms
  /** The same for everybody; undefined when they depend on the caller. */
  readonly fixedTerms: Terms | undefined
  /** Equal functions give equal keys: quotas with the same `key` share one. */
  readonly keyFor: BudgetKey
  readonly needsIdentity: boolean
  /** How many take from one budget: 0 a caller, 1 a tenant's callers, 2 those of a route, 3 everybody. */
  readonly sharing: 0 | 1 | 2 | 3
}

/**
 * Checks the quotas of a limiter.
 *
 * @param usedWithin for how many milliseconds units may be used after they were charged.
 * @throws TypeError that names the option.
 */
export function checkQuotas(quotas: unknown, ipv6Prefix: number, usedWithin = 0): readonly CheckedQuota[] {
  if (!Array.isArray(quotas) || quotas.length === 0) {
    throw new TypeError('rateLimit: quotas must be a non-empty array')
  }
  const names = new Set<string>()
  const budgetKeys = new Map<QuotaKey, BudgetKey>()
  return quotas.map((quota: unknown, index) => {
    const option = `rateLimit: quotas[${index}]`
    checkKnown(option, quota, KNOWN)
    const { key = 'identity', limit, cost, shadow = false, declared = false } = quota as Quota
    const name = checkQuotaName(`${option}.name`, (quota as Quota).name)
    if (names.has(name)) throw new TypeError(`${option}.name: two quotas are named '${name}'`)
    names.add(name)

    if (typeof key !== 'function') checkChoice(`${option}.key`, key, QUOTA_KEYS)
    const keyFor = budgetKeys.get(key) ?? budgetKey(`${option}.key`, key, ipv6Prefix)
    budgetKeys.set(key, keyFor)
    const needsIdentity = key === 'identity' || key === 'tenant' || typeof limit === 'function'
    checkFlag(`${option}.shadow`, shadow)
    checkFlag(`${option}.declared`, declared)
    const terms = checkTerms(option, quota as Quota, usedWithin)
    if (cost !== undefined) checkCost(`${option}.cost`, cost, terms.fixedTerms)
    return { name, keyFor, needsIdentity, sharing: sharingOf(key), shadow, declared, cost, ...terms }
  })
}

const KNOWN = ['name', 'limit', 'window', 'cost', 'burst', 'strict', 'algorithm', 'key', 'shadow', 'declared']

function sharingOf(key: QuotaKey): CheckedQuota['sharing'] {
  switch (key) {
    case 'tenant':
      return 1
    case 'route':
      return 2
    case 'global':
      return 3
    default:
      return 0
  }
}

function checkFlag(option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${option} must be true or false`)
}

/** @throws TypeError when `value` has no form in the header fields. */
export function checkQuotaName(option: string, value: unknown): string {
  const name = checkText(option, value)
  if (TOKEN.test(name) && name.length <= 64) return name
  throw new TypeError(
    `${option} must begin with a letter, hold no space, quote, comma or semicolon, and have at most 64 characters`,
  )
}

function checkTerms(
  option: string,
  quota: Quota,
  usedWithin: number,
): Pick<CheckedQuota, 'termsFor' | 'fixedTerms'> {
  const window = checkWindow(`${option}.window`, quota.window)
  const { name, limit, burst, strict = false } = quota
  const { algorithm = window.isCalendar ? 'fixed-window' : 'gcra' } = quota
  checkChoice(`${option}.algorithm`, algorithm, ['gcra', 'fixed-window', 'sliding-window'])
  if (window.isCalendar && algorithm !== 'fixed-window') {
    throw new TypeError(
      `${option}.algorithm must be 'fixed-window' for the window '${quota.window}'; got '${algorithm}'`,
    )
  }
  if (burst !== undefined) checkInteger(`${option}.burst`, burst)
  checkFlag(`${option}.strict`, strict)
  if (algorithm !== 'gcra' && (burst !== undefined || strict)) {
    throw new TypeError(
      `${option}: burst and strict belong to algorithm 'gcra'; a window's burst is its limit`,
    )
  }
  const setting: Setting = { window: window.span, burst, strict, algorithm, usedWithin }
  const termsOf = (units: number): Terms => {
    const rate = rateOf(option, checkInteger(`${option}.limit`, units), setting)
    // Where two tiers meet in one budget, a caller with credentials of both could empty the larger one time and again:
    // what was taken of it is forgotten down to the smaller one's burst.
    const budget = typeof limit === 'function' ? `${name}@${units}` : name
    return { name, window: window.length, limit: units, rate, budget }
  }

  if (typeof limit === 'function') {
    return { fixedTerms: undefined, termsFor: (identity) => termsOf(limit(identity)) }
  }
  const fixedTerms = termsOf(limit)
  return { fixedTerms, termsFor: () => fixedTerms }
}

function checkCost(option: string, cost: number, terms: Terms | undefined): void {
  checkInteger(option, cost)
  if (terms !== undefined && cost > terms.rate.burst) {
    throw new TypeError(
      `${option} must be at most the burst, or no request passes; got ${cost} of ${terms.rate.burst}`,
    )
  }
}

interface Setting {
  /** In milliseconds. */
  readonly usedWithin: number
  readonly window: QuotaWindow['span']
  readonly burst: number | undefined
  readonly strict: boolean
  readonly algorithm: QuotaAlgorithm
}

/** Intervals are rounded up to whole microseconds: a limit is never exceeded, and missed by 1 % at 10,000 a second. */
function rateOf(
  option: string,
  limit: number,
  { window, burst: given, strict, algorithm, usedWithin }: Setting,
): Rate {
  const tooLong = (): TypeError =>
    new TypeError(`${option}.window is too long, or burst too large for it: 31 years are the most`)
  if (limit > LARGEST_INTEGER) throw tooLong()
  if (typeof window !== 'number') return { algorithm: 'fixed-window', window, burst: limit }
  const length = Math.ceil(window * 1_000)
  if (length > LARGEST_INTEGER) throw tooLong()
  if (algorithm !== 'gcra') return { algorithm, window: length, burst: limit }

  const burst = given ?? Math.max(1, Math.floor(limit / 10))
  if (strict && burst >= limit) {
    throw new TypeError(
      `${option}.burst must be less than the limit in a strict quota; got ${burst} of ${limit}`,
    )
  }
  if (length < (strict ? limit - burst : limit)) {
    throw new TypeError(`${option}.limit is more than one unit per microsecond`)
  }
  // What is used in a window may have been charged before it.
  const within = length + Math.ceil(usedWithin * 1_000)
  const interval = strict ? strictInterval(within, limit, burst) : Math.ceil(length / limit)
  // Keeps every sum of times exact, and every number in a form the header fields can say.
  if (interval * burst > LARGEST_INTEGER) throw tooLong()
  return { interval, burst }
}
