import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkIpv6Prefix } from '../http/ip.js'
import { checkChoice, checkInteger, checkKnown, checkMethods } from '../options.js'
import { type BudgetKey, budgetKey, QUOTA_KEYS, type QuotaKey } from '../rate-limit/quota-key.js'
import { checkQuotaName } from '../rate-limit/quota.js'
import type { SlotStore } from '../rate-limit/store.js'

/** At most so many requests at the same time, for each caller, address, route or whatever `key` says. */
export interface ConcurrencyQuota {
  /** What clients and observers see, unique in the limiter; as a rate limit's. */
  readonly name: string
  /** How many: an integer of at least 1. */
  readonly limit: number
  /** Whose slots they are. Default `'identity'`. */
  readonly key?: QuotaKey
}

/** Settings of `concurrencyLimit`. */
export interface ConcurrencyLimitOptions {
  /** Where the slots live. */
  readonly store: SlotStore
  /** The limits. A request passes when every one of them has a slot, and then takes one of each. */
  readonly quotas: readonly ConcurrencyQuota[]
  /** How long a slot is held without a sign of life, which is given every third of it. Default 30 s. */
  readonly lease?: Duration
  /** The header fields that tell clients of the slots. Default `'draft-11'`. */
  readonly headers?: 'draft-11' | 'none'
  /**
   * What happens to a request when the store can't decide. `local`: this process has its share of the slots; `allow`: it
   * passes; `deny`: a 503. Default `'local'`.
   */
  readonly onStoreDown?: 'local' | 'allow' | 'deny'
  /** How many processes share the slots while the store is away. Default 4. */
  readonly expectedProcesses?: number
  /** How many bits of an IPv6 client address count, 32 to 64. Default 56. */
  readonly ipv6Prefix?: number
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What an option is when nobody says otherwise. */
export const CONCURRENCY_DEFAULTS = {
  lease: 30_000,
  headers: 'draft-11',
  onStoreDown: 'local',
  expectedProcesses: 4,
  ipv6Prefix: 56,
} as const

/** A quota that was checked. */
export interface CheckedSlots {
  readonly name: string
  readonly limit: number
  readonly keyFor: BudgetKey
  readonly needsIdentity: boolean
}

/** @throws TypeError that names the option. */
export function checkOptions(options: ConcurrencyLimitOptions) {
  const known = [...Object.keys(CONCURRENCY_DEFAULTS), 'store', 'quotas', 'clock']
  checkKnown('concurrencyLimit', options, known)
  const all = { ...CONCURRENCY_DEFAULTS, clock: systemClock, ...options }
  checkMethods('concurrencyLimit: store', all.store, ['acquire', 'renew', 'release'])
  checkMethods('concurrencyLimit: clock', all.clock, ['now', 'after'])
  checkInteger('concurrencyLimit: expectedProcesses', all.expectedProcesses)
  checkIpv6Prefix('concurrencyLimit: ipv6Prefix', all.ipv6Prefix)
  checkChoice('concurrencyLimit: headers', all.headers, ['draft-11', 'none'])
  checkChoice('concurrencyLimit: onStoreDown', all.onStoreDown, ['local', 'allow', 'deny'])
  return {
    ...all,
    lease: milliseconds('concurrencyLimit: lease', all.lease),
    quotas: checkSlots(all.quotas, all.ipv6Prefix),
  }
}

function checkSlots(quotas: unknown, ipv6Prefix: number): readonly CheckedSlots[] {
  if (!Array.isArray(quotas) || quotas.length === 0) {
    throw new TypeError('concurrencyLimit: quotas must be a non-empty array')
  }
  const names = new Set<string>()
  return quotas.map((quota: unknown, index) => {
    const option = `concurrencyLimit: quotas[${index}]`
    checkKnown(option, quota, ['name', 'limit', 'key'])
    const { name, limit, key = 'identity' } = quota as ConcurrencyQuota
    checkQuotaName(`${option}.name`, name)
    if (names.has(name)) throw new TypeError(`${option}.name: two quotas are named '${name}'`)
    names.add(name)
    checkInteger(`${option}.limit`, limit)
    if (typeof key !== 'function') checkChoice(`${option}.key`, key, QUOTA_KEYS)
    const needsIdentity = key === 'identity' || key === 'tenant'
    return { name, limit, needsIdentity, keyFor: budgetKey(`${option}.key`, key, ipv6Prefix) }
  })
}
