import type { Level } from '../../rate-limit/decision.js'
import { isOutstanding, type Reservation } from '../../rate-limit/reservation.js'
import type { RateLimitCharge } from '../../rate-limit/store.js'
import type { BudgetKind } from './budget-kind.js'

/** The budgets of one quota: never more than so many, and none is forgotten to anybody's advantage. */
export interface BudgetTable<B = unknown> {
  /** A charge's budget at `now`, under the charge's rate. It is held from the first `take` on. Times are microseconds. */
  find(charge: RateLimitCharge, now: number): B
  level(budget: B, now: number): Level
  /** Takes the charge from its budget, which was found at the same `now`. */
  take(budget: B, charge: RateLimitCharge, now: number, reservation: Reservation | undefined): void
  /** Settles a charge; for a budget that is not held there is nothing to settle. */
  settle(charge: RateLimitCharge, id: string, actual: number, now: number): void
  /** How many budgets are held. */
  readonly size: number
}

/** What every budget has. */
export interface HeldBudget {
  readonly key: string
  readonly reservations: readonly Reservation[] | undefined
}

/** How many budgets a newcomer looks at to find its place: a constant, so that a flood costs no more than a trickle. */
const STEPS = 8

/** Budgets that had to go are remembered together in so many groups. */
const GROUPS = 1_024

/**
 * Makes a table.
 *
 * A newcomer takes the place of a budget that is full again and has nothing to be settled. Where it finds none, a budget with more than half of its
 * burst left goes into the shared remainder of its group, which holds for every key of the group that has no budget
 * of its own: whoever comes back finds at most what was left. A budget that is more than half used keeps its place
 * until time refills it, so no flood of keys frees anybody; if only such are found, the newcomer lives on the remainder.
 */
export function budgetTable<B extends HeldBudget>(kind: BudgetKind<B>, maxEntries: number): BudgetTable<B> {
  const budgets = new Map<string, B>()
  const remainders: (B | undefined)[] = []
  // One iterator goes round for ever: the first entry of a Map is found by walking over all deleted ones.
  let hand = budgets.values()

  return {
    get size() {
      return budgets.size
    },
    find(charge, now) {
      const budget = budgets.get(charge.key) ?? kind.open(charge.key, charge, remainderOf(charge.key, now))
      kind.bound(budget, now)
      kind.bring(budget, charge, now)
      return budget
    },
    level: (budget, now) => kind.level(budget, now),
    take(budget, charge, now, reservation) {
      if (charge.cost === 0 && reservation === undefined) return
      const isHeld = budgets.get(charge.key) === budget
      kind.take(budget, charge, now, reservation)
      if (isHeld) return
      if (makeRoom(now)) budgets.set(charge.key, budget)
      else remember(budget, now)
    },
    settle({ key, cost }, id, actual, now) {
      const budget = budgets.get(key)
      if (budget !== undefined) kind.settle(budget, id, cost, actual, now)
    },
  }

  function remainderOf(key: string, now: number): B | undefined {
    const remainder = remainders[groupOf(key)]
    // What a clock that stepped back bounds must stay bounded.
    if (remainder !== undefined) kind.bound(remainder, now)
    return remainder
  }

  function makeRoom(now: number): boolean {
    let leastUsed: B | undefined
    let least = 0.5
    for (let step = 0; step < STEPS && budgets.size > 0; step += 1) {
      const budget = nextBudget()
      kind.bound(budget, now)
      const used = kind.used(budget, now)
      if (used === 0 && !isOutstanding(budget.reservations, now)) budgets.delete(budget.key)
      else if (used <= least) [leastUsed, least] = [budget, used]
    }
    if (budgets.size < maxEntries) return true
    if (leastUsed === undefined) return false
    remember(leastUsed, now)
    return budgets.delete(leastUsed.key)
  }

  function nextBudget(): B {
    let next = hand.next()
    if (next.done) {
      hand = budgets.values()
      next = hand.next()
    }
    return next.value as B
  }

  function remember(budget: B, now: number): void {
    const remainder = remainderOf(budget.key, now)
    if (remainder === undefined || kind.used(remainder, now) === 0) remainders[groupOf(budget.key)] = budget
    else kind.merge(remainder, budget, now)
  }
}

function groupOf(key: string): number {
  let hash = 0
  for (let index = 0; index < Math.min(key.length, 8); index += 1) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0
  }
  return (hash >>> 0) % GROUPS
}
