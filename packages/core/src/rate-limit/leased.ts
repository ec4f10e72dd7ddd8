import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkInteger, checkKnown, checkMethods } from '../options.js'
import { elapsedTime } from '../stores/memory/elapsed-time.js'
import { sharedDeadlines } from '../shared-deadlines.js'
import { StoreUnavailable } from '../stores/unavailable.js'
import { callerOf, commonCost, isSamePlan } from './charged-plan.js'
import { type LeaseHolder, leaseHolder } from './lease-holder.js'
import type { BudgetStore, RateLimitCharge, RateLimitDecision } from './store.js'

/** Settings of {@link leased}. */
export interface LeaseOptions {
  /** How many units a process takes ahead at the most. Never more than half of a burst. Default 50. */
  readonly maxUnits?: number
  /** How long they are kept; what is left then goes back. Default 200 ms. */
  readonly ttl?: Duration
  /** For how many callers units are taken ahead at a time. Default 1,000. */
  readonly maxEntries?: number
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What an option is when nobody says otherwise; durations in milliseconds. */
export const LEASE_DEFAULTS = { maxUnits: 50, ttl: 200, maxEntries: 1_000 } as const

/** For how many different plans of one caller units are taken ahead: the operations that name quotas of their own. */
const MOST_PLANS = 4

const NONE: readonly HeldPlan[] = []

interface HeldPlan {
  readonly charges: readonly RateLimitCharge[]
  readonly holder: LeaseHolder
}

/** A store that may hold units of its callers. */
export interface LeasedStore extends BudgetStore {
  /** The `ttl` of a lease. */
  readonly usedWithin: number
  /** Gives back what is not used. Before a process ends. What the store does not take stays charged. */
  giveBack(): Promise<void>
}

/**
 * Takes units ahead for callers who ask often, so that most of their requests need no round trip. What a process gives
 * out was charged before: all processes together admit what the quotas allow.
 *
 * Units are used up to `ttl` after they were charged, also when their key is blocked by then, and are nobody else's
 * meanwhile. Requests that are settled later go to the store.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function leased(store: BudgetStore, options: LeaseOptions = {}): LeasedStore {
  return leasedStore('leased', store, options)
}

/** @param owner what a wrong option is said to belong to. */
export function leasedStore(owner: string, store: BudgetStore, options: LeaseOptions): LeasedStore {
  checkMethods(`${owner}: store`, store, ['consume', 'settle', 'block'])
  if (store.usedWithin !== undefined) throw new TypeError(`${owner}: the store is leased already`)
  checkKnown(owner, options, ['maxUnits', 'ttl', 'maxEntries', 'clock'])
  const all = { ...LEASE_DEFAULTS, clock: systemClock, ...options }
  checkMethods(`${owner}: clock`, all.clock, ['now', 'after'])
  const maxUnits = checkInteger(`${owner}: maxUnits`, all.maxUnits, 2)
  const maxEntries = checkInteger(`${owner}: maxEntries`, all.maxEntries)
  const ttl = milliseconds(`${owner}: ttl`, all.ttl)
  const elapsed = elapsedTime(all.clock)
  const ask = askingInTime(owner, store, all.clock)
  const plans = new Map<string, readonly HeldPlan[]>()

  const holderOf = (charges: readonly RateLimitCharge[]): LeaseHolder | undefined => {
    const caller = callerOf(charges)
    const known = plans.get(caller) ?? NONE
    for (const plan of known) if (isSamePlan(plan.charges, charges)) return plan.holder
    if (known.length === 0 ? plans.size >= maxEntries : known.length >= MOST_PLANS) return undefined
    const forget = (): void => {
      const others = (plans.get(caller) ?? []).filter((plan) => plan.holder !== holder)
      if (others.length === 0) plans.delete(caller)
      else plans.set(caller, others)
    }
    const holder = leaseHolder({ store, maxUnits, ttl, elapsed, clock: all.clock, forget })
    plans.set(caller, [...known, { charges, holder }])
    return holder
  }

  return {
    usedWithin: ttl,
    decidesWithin: store.decidesWithin,
    consume(charges, asked) {
      // Of several keys, one is shared by many callers: it could not keep a reservation for each of their leases.
      const cost = commonCost(charges)
      const isSettledLater = asked?.reserve !== undefined
      if (cost === undefined || cost === 0 || isSettledLater) return store.consume(charges, asked)
      const holder = holderOf(charges)
      if (holder === undefined) return store.consume(charges)
      return holder.take(charges, cost) ?? ask(holder, charges, cost)
    },
    settle: (receipt, costs) => store.settle(receipt, costs),
    block: (key, duration) => store.block(key, duration),
    async giveBack() {
      const held = [...plans.values()].flat()
      await Promise.all(held.map(({ holder }) => holder.giveBack()))
    },
  }
}

type Ask = (
  holder: LeaseHolder,
  charges: readonly RateLimitCharge[],
  cost: number,
) => Promise<RateLimitDecision>

/** One deadline for what a request waits for: units that others have asked for, and an answer of its own. */
function askingInTime(owner: string, { decidesWithin }: BudgetStore, clock: Clock): Ask {
  if (decidesWithin === undefined) return (holder, charges, cost) => holder.ask(charges, cost)
  if (!Number.isFinite(decidesWithin) || decidesWithin <= 0) {
    throw new TypeError(`${owner}: store.decidesWithin must be milliseconds; got ${decidesWithin}`)
  }
  const deadlines = sharedDeadlines(clock, decidesWithin)
  return (holder, charges, cost) =>
    new Promise((resolve, reject) => {
      const call = deadlines.begin(() => reject(new StoreUnavailable('deadline')))
      holder.ask(charges, cost, call).then(
        (decision) => {
          if (deadlines.end(call)) resolve(decision)
        },
        (error: unknown) => {
          if (deadlines.end(call)) reject(error)
        },
      )
    })
}
