import type { Clock } from '../clock.js'
import type {
  BudgetStore,
  QuotaState,
  RateLimitCharge,
  RateLimitDecision,
  RateLimitReceipt,
} from './store.js'

/** Units that were taken from a lease. */
export interface Grant {
  /** The budgets when the lease was charged. */
  readonly quotas: readonly QuotaState[]
  /** What the lease has left. */
  readonly left: number
}

/** The units one process has taken ahead for one plan. */
export interface LeaseHolder {
  /** Takes from what is there. */
  take(cost: number): Grant | undefined
  /** Takes more from the store, for this request and those that will follow. */
  ask(charges: readonly RateLimitCharge[], cost: number): Promise<RateLimitDecision>
  giveBack(): Promise<void>
}

/** What a holder needs of its store. */
export interface LeaseInit {
  readonly store: BudgetStore
  /** The most units of a lease. */
  readonly most: number
  /** Milliseconds. */
  readonly ttl: number
  readonly elapsed: () => number
  readonly clock: Clock
  /** Called when nobody has asked for a while. */
  readonly forget: () => void
}

interface Lease {
  readonly quotas: readonly QuotaState[]
  readonly receipt: RateLimitReceipt
  readonly units: number
  readonly until: number
  left: number
}

/**
 * How long, in lives of a lease, a store must be able to take units back. A budget keeps few reservations, and every one
 * costs it a little.
 */
const SETTLED_WITHIN = 3

/**
 * Makes a holder. Leases double while they are used up before their time, and shrink to what was used when they were
 * not. When a budget has next to nothing left, every request asks for itself.
 */
export function leaseHolder({ store, most, ttl, elapsed, clock, forget }: LeaseInit): LeaseHolder {
  let lease: Lease | undefined
  let size = 1
  let asked = Number.NEGATIVE_INFINITY
  /** The most units after a denial, and until when. */
  let ceiling = Number.POSITIVE_INFINITY
  let lowUntil = Number.NEGATIVE_INFINITY
  let isWatched = false
  let refill: Promise<Lease | undefined> | undefined
  /** Units that requests wait for. */
  let waiting = 0

  const take = (cost: number): Grant | undefined => {
    if (lease === undefined || lease.left < cost) return undefined
    const now = elapsed()
    if (now >= lease.until) return undefined
    asked = now
    lease.left -= cost
    return { quotas: lease.quotas, left: lease.left }
  }

  const giveBack = async (): Promise<void> => {
    const ended = lease
    lease = undefined
    if (ended === undefined || ended.left === 0) return
    const used = ended.units - ended.left
    size = Math.max(1, used)
    // Where it fails the units stay charged: never too many are given out.
    await store.settle(
      ended.receipt,
      ended.receipt.charges.map(() => used),
    )
  }
  const drop = (): void => void giveBack().catch(() => undefined)

  const grow = async (charges: readonly RateLimitCharge[], units: number): Promise<Lease | undefined> => {
    // Counted from the question: units are never used for longer than `ttl` after they were charged.
    const start = elapsed()
    drop()
    const whole = charges.map((charge) => ({ ...charge, cost: units }))
    const decision = await store.consume(whole, { reserve: Math.ceil(ttl * SETTLED_WITHIN) })
    if (decision.outcome !== 'admitted' || decision.receipt === undefined) {
      // Half of what is there next time; when that is next to nothing, it is not worth a queue.
      ceiling = Math.floor(Math.min(...decision.quotas.map(({ remaining }) => remaining)) / 2)
      lowUntil = elapsed() + ttl
      return undefined
    }
    ceiling = Number.POSITIVE_INFINITY
    const { quotas, receipt } = decision
    lease = { quotas, receipt, units, left: units, until: start + ttl }
    return lease
  }

  /** Gives back what nobody used in time, and forgets who does not ask any more. */
  const watch = (): void => {
    if (isWatched) return
    isWatched = true
    clock.after(ttl, () => {
      isWatched = false
      const now = elapsed()
      if (lease !== undefined && now >= lease.until) drop()
      if (lease === undefined && refill === undefined && now - asked >= ttl) forget()
      else watch()
    })
  }

  /** How many units to take now; undefined when the request shall go to the store by itself. */
  const nextSize = (charges: readonly RateLimitCharge[], cost: number): number | undefined => {
    const now = elapsed()
    const isBusy = now - asked < ttl
    asked = now
    if (now >= lowUntil) ceiling = Number.POSITIVE_INFINITY
    if (isBusy) size *= 2
    const bound = Math.min(most, ceiling, ...charges.map(({ burst }) => Math.floor(burst / 2)))
    size = Math.max(1, Math.min(size, bound))
    const units = Math.min(Math.max(size, waiting + cost), bound)
    return isBusy && units > cost ? units : undefined
  }

  const ask = async (charges: readonly RateLimitCharge[], cost: number): Promise<RateLimitDecision> => {
    watch()
    if (refill === undefined) {
      const units = nextSize(charges, cost)
      if (units === undefined) return store.consume(charges)
      refill = grow(charges, units).finally(() => (refill = undefined))
    }
    waiting += cost
    let granted: Lease | undefined
    try {
      granted = await refill
    } finally {
      waiting -= cost
    }
    const grant = take(cost)
    if (grant !== undefined) return admittedBy(grant)
    // Others were faster: something was given out, so this comes to an end. A store slower than `ttl` is asked directly.
    const isUsedUp = granted !== undefined && elapsed() < granted.until
    return isUsedUp ? ask(charges, cost) : store.consume(charges)
  }

  return { take, ask, giveBack }
}

/** How the budgets stand for this process: with what it has taken ahead. */
export function admittedBy({ quotas, left }: Grant): RateLimitDecision {
  const states = quotas.map((state) => ({ ...state, remaining: state.remaining + left }))
  return { outcome: 'admitted', quotas: states }
}
