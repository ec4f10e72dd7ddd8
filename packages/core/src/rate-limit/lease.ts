import type { Clock } from '../clock.js'
import type {
  BudgetStore,
  QuotaState,
  RateLimitCharge,
  RateLimitDecision,
  RateLimitReceipt,
} from './store.js'

/** The units one process has taken ahead for one plan. */
export interface LeaseHolder {
  /** Takes from what is there. */
  take(charges: readonly RateLimitCharge[], cost: number): RateLimitDecision | undefined
  /** Takes more from the store, for this request and those that will follow. */
  ask(charges: readonly RateLimitCharge[], cost: number): Promise<RateLimitDecision>
  giveBack(): Promise<void>
}

/** What a holder needs of its store. */
export interface LeaseInit {
  readonly store: BudgetStore
  /** The most units it has ahead. */
  readonly maxUnits: number
  /** Milliseconds. */
  readonly ttl: number
  readonly elapsed: () => number
  readonly clock: Clock
  /** Called when nobody has asked for a while. */
  readonly forget: () => void
}

/** Units that are there: one at least. */
interface Lease {
  /** The budgets when it was charged. */
  readonly quotas: readonly QuotaState[]
  readonly receipt: RateLimitReceipt
  readonly units: number
  readonly until: number
  left: number
  /** Whether the one after it was thought of. */
  isFollowed: boolean
}

/**
 * How long, in lives of a lease, a store must be able to take units back. A budget keeps few reservations, and every one
 * costs it a little.
 */
const SETTLED_WITHIN = 3

/** When an eighth of a lease is left the next one is asked for, so that nobody has to wait for it. */
const EIGHTH = 8

/**
 * Makes a holder. Leases double while they are used up before their time, and shrink to what was used when they were
 * not. When a budget has next to nothing left, every request asks for itself.
 */
export function leaseHolder({ store, maxUnits, ttl, elapsed, clock, forget }: LeaseInit): LeaseHolder {
  let lease: Lease | undefined
  /** There only while there is a lease. */
  let next: Lease | undefined
  /** Of a lease that was used up: it is not settled, and a later one takes its place. */
  let used: RateLimitReceipt | undefined
  let size = 1
  let asked = Number.NEGATIVE_INFINITY
  /** The most units after a denial, and until when. */
  let ceiling = Number.POSITIVE_INFINITY
  let lowUntil = Number.NEGATIVE_INFINITY
  let isWatched = false
  let refill: Promise<boolean> | undefined
  /** Units that requests wait for. */
  let waiting = 0

  const take = (charges: readonly RateLimitCharge[], cost: number): RateLimitDecision | undefined => {
    const now = elapsed()
    let from = lease
    if (!holds(from, cost, now)) {
      if (!holds(next, cost, now)) return undefined
      drop(from)
      from = next
      lease = next
      next = undefined
    }
    asked = now
    from.left -= cost
    if (from.left === 0) {
      used = from.receipt
      lease = next
      next = undefined
    }
    if (from.left * EIGHTH <= from.units && !from.isFollowed) follow(from, charges)
    return admittedBy(from)
  }

  const follow = (last: Lease, charges: readonly RateLimitCharge[]): void => {
    last.isFollowed = true
    if (next !== undefined || refill !== undefined) return
    const units = nextSize(charges, true) - last.left
    // Small ones are soon used up: who uses them up waits for a larger one.
    if (units < EIGHTH) return
    fill(charges, units).catch(() => undefined)
  }

  /** Where it fails the units stay charged: never too many are given out. */
  const settle = async ({ receipt, units, left }: Lease): Promise<void> => {
    await store.settle(
      receipt,
      receipt.charges.map(() => units - left),
    )
  }
  const drop = (one: Lease | undefined): void => {
    if (one !== undefined) settle(one).catch(() => undefined)
  }
  const dropAll = (): void => {
    drop(lease)
    drop(next)
    if (lease !== undefined) size = Math.max(1, lease.units - lease.left)
    lease = undefined
    next = undefined
  }

  const fill = (charges: readonly RateLimitCharge[], units: number): Promise<boolean> => {
    refill = grow(charges, units).finally(() => (refill = undefined))
    return refill
  }

  /** @returns whether there is a lease more. */
  const grow = async (charges: readonly RateLimitCharge[], units: number): Promise<boolean> => {
    // Counted from the question: units are never used for longer than `ttl` after they were charged.
    const start = elapsed()
    const whole = charges.map((charge) => ({ ...charge, cost: units }))
    const reserve = Math.ceil(ttl * SETTLED_WITHIN)
    const replaces = used
    const decision = await store.consume(whole, replaces === undefined ? { reserve } : { reserve, replaces })
    if (decision.outcome !== 'admitted' || decision.receipt === undefined) {
      // Half of what is there next time; when that is next to nothing, it is not worth a queue.
      ceiling = Math.floor(Math.min(...decision.quotas.map(({ remaining }) => remaining)) / 2)
      lowUntil = elapsed() + ttl
      return false
    }
    ceiling = Number.POSITIVE_INFINITY
    if (used === replaces) used = undefined
    const { quotas, receipt } = decision
    const more: Lease = { quotas, receipt, units, until: start + ttl, left: units, isFollowed: false }
    if (holds(lease, 1, elapsed())) next = more
    else {
      drop(lease)
      lease = more
    }
    return true
  }

  /** Gives back what nobody used in time, and forgets who does not ask any more. */
  const watch = (): void => {
    if (isWatched) return
    isWatched = true
    clock.after(ttl, () => {
      isWatched = false
      const now = elapsed()
      if (lease !== undefined && now >= lease.until) dropAll()
      if (lease === undefined && refill === undefined && now - asked >= ttl) forget()
      else watch()
    })
  }

  /** How many units to have ahead, when the last were used up in time or were not. */
  const nextSize = (charges: readonly RateLimitCharge[], isBusy: boolean, least = 1): number => {
    if (elapsed() >= lowUntil) ceiling = Number.POSITIVE_INFINITY
    let bound = Math.min(maxUnits, ceiling)
    for (const { burst } of charges) bound = Math.min(bound, Math.floor(burst / 2))
    size = Math.max(1, Math.min(isBusy ? size * 2 : size, bound))
    return Math.min(Math.max(size, least), bound)
  }

  const ask = async (charges: readonly RateLimitCharge[], cost: number): Promise<RateLimitDecision> => {
    watch()
    if (refill === undefined) {
      const now = elapsed()
      const isBusy = now - asked < ttl
      asked = now
      const units = nextSize(charges, isBusy, waiting + cost)
      if (!isBusy || units <= cost) return store.consume(charges)
      dropAll()
      refill = fill(charges, units)
    }
    waiting += cost
    let isFilled: boolean
    try {
      isFilled = await refill
    } finally {
      waiting -= cost
    }
    const decision = take(charges, cost)
    if (decision !== undefined) return decision
    // Others were faster: something was given out, so this comes to an end. A store slower than `ttl` is asked directly.
    const isUsedUp = isFilled && (lease === undefined || elapsed() < lease.until)
    return isUsedUp ? ask(charges, cost) : store.consume(charges)
  }

  /** Waits for what is on its way, and for what those who waited for that asked for. */
  const refilled = async (): Promise<void> => {
    if (refill === undefined) return
    await refill.catch(() => false)
    await refilled()
  }

  return {
    take,
    ask,
    async giveBack() {
      await refilled()
      const held = [lease, next].filter((one) => one !== undefined)
      lease = undefined
      next = undefined
      await Promise.all(held.map(settle))
    },
  }
}

function holds(lease: Lease | undefined, cost: number, now: number): lease is Lease {
  return lease !== undefined && lease.left >= cost && now < lease.until
}

/** How the budgets stand for this process: with what it has taken ahead. */
function admittedBy({ quotas: charged, left }: Lease): RateLimitDecision {
  const quotas: QuotaState[] = []
  for (const { remaining, renewal, wait } of charged) {
    quotas.push({ remaining: remaining + left, renewal, wait })
  }
  return { outcome: 'admitted', quotas }
}
