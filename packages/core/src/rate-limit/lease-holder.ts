import type { Clock } from '../clock.js'
import { StoreUnavailable } from '../stores/unavailable.js'
import { isWindow } from './decision.js'
import { admittedBy, type Lease, leases } from './lease.js'
import { leaseSize } from './lease-size.js'
import type { BudgetStore, QuotaState, RateLimitCharge, RateLimitDecision } from './store.js'
import { windowShape } from './window.js'

/** The units one process has taken ahead for one plan. */
export interface LeaseHolder {
  /** Takes from what is there. */
  take(charges: readonly RateLimitCharge[], cost: number): RateLimitDecision | undefined
  /** Takes more from the store, for this request and those that will follow. */
  ask(charges: readonly RateLimitCharge[], cost: number, asker?: Asker): Promise<RateLimitDecision>
  /** Gives back what nobody has used. */
  giveBack(): Promise<void>
}

/** Who waits for a decision. */
export interface Asker {
  /** False when nobody waits for it any more. */
  readonly isOpen: boolean
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

/**
 * How long, in lives of a lease, a store must be able to take units back. A budget keeps few reservations, and every one
 * costs it a little.
 */
const SETTLED_WITHIN = 3

/** When an eighth of a lease is left the next one is asked for, so that nobody has to wait for it. */
const EIGHTH = 8

const PATIENT: Asker = { isOpen: true }

/** Makes a holder. When a budget has next to nothing left, every request asks for itself. */
export function leaseHolder({ store, maxUnits, ttl, elapsed, clock, forget }: LeaseInit): LeaseHolder {
  const held = leases(settle)
  const size = leaseSize(maxUnits, ttl, elapsed)
  const reserve = Math.ceil(ttl * SETTLED_WITHIN)
  let asked = Number.NEGATIVE_INFINITY
  let isWatched = false
  /** The last lease of which the next was thought. */
  let followed: Lease | undefined
  /** What is on its way. It tells whether there are more units then. */
  let refill: Promise<boolean> | undefined
  /** Units that requests wait for. */
  let waiting = 0
  /** How many units are on their way, and how many milliseconds the last ones took. */
  let asking = 1
  let took = 0
  const settling = new Set<Promise<void>>()
  // Half of the time is left for an answer of its own.
  const patience = (store.decidesWithin ?? Number.POSITIVE_INFINITY) / 2

  return {
    take: (charges, cost) => take(charges, cost, true),
    ask,
    async giveBack() {
      await refilled()
      held.end()
      await Promise.all(settling)
    },
  }

  function take(
    charges: readonly RateLimitCharge[],
    cost: number,
    isRemembered?: true,
  ): RateLimitDecision | undefined {
    const now = elapsed()
    const lease = held.take(cost, now)
    if (lease === undefined) return undefined
    asked = now
    if (lease.left * EIGHTH <= lease.units && lease !== followed) follow(lease, charges)
    return admittedBy(lease, isRemembered)
  }

  /** Asks for the next lease, for nobody who waits for it. */
  function follow(lease: Lease, charges: readonly RateLimitCharge[]): void {
    followed = lease
    if (held.isFollowed() || refill !== undefined) return
    const units = size.next(charges, true, 1) - lease.left
    // Small ones are soon used up: who uses them up waits for a larger one.
    if (units >= EIGHTH) fill(charges, units)
  }

  async function ask(
    charges: readonly RateLimitCharge[],
    cost: number,
    asker: Asker = PATIENT,
  ): Promise<RateLimitDecision> {
    watch()
    if (refill !== undefined && isCrowded()) return store.consume(charges)
    if (refill === undefined) {
      const now = elapsed()
      const isBusy = now - asked < ttl
      asked = now
      const units = size.next(charges, isBusy, waiting + cost)
      if (!isBusy || units <= cost) return store.consume(charges)
      end()
      fill(charges, units)
    }
    waiting += cost
    let isFilled: boolean | undefined
    try {
      isFilled = await refill
    } finally {
      waiting -= cost
    }
    if (!asker.isOpen) throw new StoreUnavailable('deadline')
    const decision = take(charges, cost)
    if (decision !== undefined) return decision
    // Others were faster: something was given out, so this comes to an end.
    return isFilled === true ? ask(charges, cost, asker) : store.consume(charges)
  }

  /** Whether units come so slowly, for so many, that one more is served sooner by itself. */
  function isCrowded(): boolean {
    return took * (1 + waiting / asking) > patience
  }

  function fill(charges: readonly RateLimitCharge[], units: number): void {
    asking = units
    refill = charge(charges, units).finally(() => (refill = undefined))
    // Those who wait hear of it.
    refill.catch(ignore)
  }

  async function charge(charges: readonly RateLimitCharge[], units: number): Promise<boolean> {
    // Counted from the question: units are never used for longer than `ttl` after they were charged.
    const start = elapsed()
    // Spread and members at once cost 2.6 us here (Node 20).
    const whole = charges.map((one) => Object.assign({}, one, { cost: units }))
    const replaces = held.used()
    const decision = await store.consume(whole, replaces === undefined ? { reserve } : { reserve, replaces })
    const now = elapsed()
    if (decision.outcome !== 'admitted' || decision.receipt === undefined) {
      size.denied(decision.quotas, now)
      return false
    }
    size.granted()
    took = now - start
    const { quotas, receipt } = decision
    const lease: Lease = { quotas, receipt, units, until: start + keptFor(ttl, whole, quotas), left: units }
    held.add(lease, now, replaces)
    return now < lease.until
  }

  /** Gives back what nobody used in time, and forgets who does not ask any more. */
  function watch(): void {
    if (isWatched) return
    isWatched = true
    clock.after(ttl, () => {
      isWatched = false
      const now = elapsed()
      const current = held.current()
      if (current !== undefined && now >= current.until) end()
      if (held.current() === undefined && refill === undefined && now - asked >= ttl) forget()
      else watch()
    })
  }

  function end(): void {
    const current = held.current()
    if (current !== undefined) size.ended(current.units - current.left)
    held.end()
  }

  function settle(lease: Lease): void {
    // Where it fails the units stay charged: never too many are given out.
    const settled = settleIn(store, lease).catch(ignore)
    settling.add(settled)
    void settled.then(() => settling.delete(settled))
  }

  /** Waits for what is on its way, and for what those who waited for that asked for. */
  async function refilled(): Promise<void> {
    if (refill === undefined) return
    await refill.catch(ignore)
    await refilled()
  }
}

/**
 * How long units may be kept, in milliseconds. What is counted in windows is given out in the stretch of time that it
 * is counted in, as if each request had asked for itself.
 */
function keptFor(ttl: number, charges: readonly RateLimitCharge[], quotas: readonly QuotaState[]): number {
  let shortest = ttl
  for (const [index, charge] of charges.entries()) {
    if (!isWindow(charge)) continue
    const { width, behind } = windowShape(charge)
    const renewal = quotas[index]?.renewal ?? 0
    // Units come back where a stretch ends: this one, or one of those that follow it.
    const left = typeof width === 'number' && behind > 0 ? renewal % width || width : renewal
    shortest = Math.min(shortest, left / 1_000)
  }
  return shortest
}

async function settleIn(store: BudgetStore, { receipt, units, left }: Lease): Promise<void> {
  await store.settle(
    receipt,
    receipt.charges.map(() => units - left),
  )
}

function ignore(): undefined {}
