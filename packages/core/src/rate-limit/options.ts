import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import type { Exchange } from '../exchange.js'
import { checkIpv6Prefix } from '../http/ip.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods } from '../options.js'
import { type CallerList, type CallerTest, callerTest } from './caller-list.js'
import type { FieldsVersion } from './fields.js'
import { leasedStore, type LeaseOptions } from './leased.js'
import { type PartitionKeys, partitionKeys } from './partition.js'
import { type CheckedQuota, checkQuotas, type Quota } from './quota.js'
import type { BudgetStore } from './store.js'

/** Settings of `rateLimit`. */
export interface RateLimitOptions {
  /** Where the budgets live. */
  readonly store: BudgetStore
  /** The limits. A request passes when every one of them has room for its cost, and then takes from all of them. */
  readonly quotas: readonly Quota[]
  /**
   * The header fields that tell clients how their budgets stand: the draft's revision 11, `X-RateLimit-*` of the
   * tightest quota, both, or none. `Retry-After` is always sent. Default `'draft-11'`.
   */
  readonly headers?: FieldsVersion
  /**
   * What happens to a request when the store can't decide. `local`: this process decides from its own memory, with its
   * share of each quota; `allow`: it passes unlimited; `deny`: a 503. Default `'local'`.
   */
  readonly onStoreDown?: 'local' | 'allow' | 'deny'
  /**
   * Takes units ahead for callers who ask often, so that most of their requests need no round trip: `true`, or how many
   * and for how long. Units that nobody used by then go back; see `giveBack` for the end of a process. Default `false`.
   */
  readonly leases?: boolean | LeaseOptions
  /** How many processes share the quotas while the store is away: each gives out its part of them. Default 4. */
  readonly expectedProcesses?: number
  /** Callers who are not limited. `deny` comes first. Default: none. */
  readonly allow?: CallerList
  /** Callers who are refused, `caller-denied` (403). Default: none. */
  readonly deny?: CallerList
  /** Whether a request is not limited, health checks for example. Default: none is. */
  readonly skip?: (exchange: Exchange) => boolean
  /** How many bits of an IPv6 client address count, 32 to 64. Default 56: what one customer usually has. */
  readonly ipv6Prefix?: number
  /**
   * How long an operation that may cost less than it was charged is waited for; what ends later pays in full. Default
   * 1 minute.
   */
  readonly settleWithin?: Duration
  /**
   * A secret of at least 32 bytes; text counts as UTF-8. With it the fields of the draft say whose budget each is (`pk`):
   * a keyed digest, the same in every process that has the secret. Default: they don't.
   */
  readonly partitionSecret?: string | Uint8Array
  /**
   * How much later than it must a refused request is told to come back, at the most, up to a day: a time of its own for
   * each, so that those who were refused together don't come back together. Default: none.
   */
  readonly retrySpread?: Duration
  /** The source of time of this process. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What an option is when nobody says otherwise. */
export const RATE_LIMIT_DEFAULTS = {
  headers: 'draft-11',
  onStoreDown: 'local',
  expectedProcesses: 4,
  ipv6Prefix: 56,
  settleWithin: 60_000,
} as const

/** Options that were checked. */
export interface RateLimitSetting {
  readonly store: BudgetStore
  /** Gives back what was taken ahead. */
  readonly giveBack: () => Promise<void>
  readonly quotas: readonly CheckedQuota[]
  readonly headers: FieldsVersion
  readonly onStoreDown: 'local' | 'allow' | 'deny'
  readonly expectedProcesses: number
  readonly isAllowed: CallerTest
  readonly isDenied: CallerTest
  readonly isSkipped: (exchange: Exchange) => boolean
  /** In milliseconds. */
  readonly settleWithin: number
  readonly partitionsOf: PartitionKeys | undefined
  /** In milliseconds. */
  readonly retrySpread: number
  readonly clock: Clock
  readonly needsIdentity: boolean
}

const UNSET = [
  'store',
  'quotas',
  'allow',
  'deny',
  'skip',
  'partitionSecret',
  'retrySpread',
  'leases',
  'clock',
]
const KNOWN = [...Object.keys(RATE_LIMIT_DEFAULTS), ...UNSET]

/** @throws TypeError that names the option. */
export function checkOptions(options: RateLimitOptions): RateLimitSetting {
  checkKnown('rateLimit', options, KNOWN)
  const all = { ...RATE_LIMIT_DEFAULTS, clock: systemClock, skip: never, leases: false, ...options }
  checkMethods('rateLimit: store', all.store, ['consume', 'settle', 'block'])
  checkMethods('rateLimit: clock', all.clock, ['now', 'after'])
  checkFunction('rateLimit: skip', all.skip)
  checkIpv6Prefix('rateLimit: ipv6Prefix', all.ipv6Prefix)
  const { store, giveBack } = checkLeases(all.store, all.leases, all.clock)
  const quotas = checkQuotas(all.quotas, all.ipv6Prefix, checkUsedWithin(store))
  const allow = callerTest('rateLimit: allow', options.allow)
  const deny = callerTest('rateLimit: deny', options.deny)
  return {
    store,
    giveBack,
    quotas,
    headers: checkChoice<FieldsVersion>('rateLimit: headers', all.headers, [
      'draft-11',
      'legacy',
      'both',
      'none',
    ]),
    onStoreDown: checkChoice('rateLimit: onStoreDown', all.onStoreDown, ['local', 'allow', 'deny'] as const),
    expectedProcesses: checkInteger('rateLimit: expectedProcesses', all.expectedProcesses),
    isAllowed: allow,
    isDenied: deny,
    isSkipped: all.skip,
    settleWithin: Math.ceil(milliseconds('rateLimit: settleWithin', all.settleWithin)),
    partitionsOf:
      all.partitionSecret === undefined
        ? undefined
        : partitionKeys('rateLimit: partitionSecret', all.partitionSecret),
    retrySpread: checkSpread(all.retrySpread),
    clock: all.clock,
    needsIdentity: quotas.some((quota) => quota.needsIdentity) || allow.needsIdentity || deny.needsIdentity,
  }
}

/** Strict limits count it in: a time that is none would lift them. */
function checkUsedWithin({ usedWithin = 0 }: BudgetStore): number {
  if (Number.isFinite(usedWithin) && usedWithin >= 0) return usedWithin
  throw new TypeError(`rateLimit: store.usedWithin must be milliseconds; got ${usedWithin}`)
}

function checkLeases(
  store: BudgetStore,
  leases: unknown,
  clock: Clock,
): Pick<RateLimitSetting, 'store' | 'giveBack'> {
  if (leases === false) return { store, giveBack: nothing }
  if (leases !== true && (typeof leases !== 'object' || leases === null)) {
    throw new TypeError('rateLimit: leases must be true, false or settings')
  }
  const ahead = leasedStore('rateLimit: leases', store, { clock, ...(leases === true ? undefined : leases) })
  return { store: ahead, giveBack: () => ahead.giveBack() }
}

const LONGEST_SPREAD = 86_400_000

function checkSpread(spread: Duration | undefined): number {
  if (spread === undefined) return 0
  const length = Math.ceil(milliseconds('rateLimit: retrySpread', spread))
  if (length > LONGEST_SPREAD) throw new TypeError('rateLimit: retrySpread must be at most a day')
  return length
}

async function nothing(): Promise<void> {}

function never(): boolean {
  return false
}
