import { carryBacklog, chargedBacklog } from '../../rate-limit/gcra.js'
import type { GcraRate } from '../../rate-limit/rate.js'
import type { RateLimitCharge } from '../../rate-limit/store.js'

/** The budgets of one quota: never more than so many, and none is forgotten to anybody's advantage. */
export interface BudgetTable {
  /** The backlog of a charge's budget at `now`, under the charge's rate. Times are microseconds. */
  backlog(charge: RateLimitCharge, now: number): number
  /** Takes the charge from its budget, whose backlog was `before`. */
  take(charge: RateLimitCharge, before: number, now: number): void
  /** How many budgets are held. */
  readonly size: number
}

interface Budget extends GcraRate {
  interval: number
  burst: number
  /** When it is full again. From then on it is as good as absent. */
  full: number
}

interface KeptBudget extends Budget {
  readonly key: string
}

/** How many budgets a newcomer looks at to find its place: a constant, so that a flood costs no more than a trickle. */
const STEPS = 8

/** Budgets that had to go are remembered together in so many groups. */
const GROUPS = 1_024

/**
 * Makes a table.
 *
 * A newcomer takes the place of a budget that is full again. Where it finds none, a budget with more than half of its
 * burst left goes into the shared remainder of its group, which holds for every key of the group that has no budget
 * of its own: whoever comes back finds at most what was left. A budget that is more than half used keeps its place
 * until time refills it, so no flood of keys frees anybody; if only such are found, the newcomer lives on the remainder.
 */
export function budgetTable(maxEntries: number): BudgetTable {
  const budgets = new Map<string, KeptBudget>()
  const remainders: (Budget | undefined)[] = []
  // One iterator goes round for ever: the first entry of a Map is found by walking over all deleted ones.
  let hand = budgets.values()

  return {
    get size() {
      return budgets.size
    },
    backlog(charge, now) {
      const budget = budgets.get(charge.key)
      if (budget === undefined) return backlogUnder(charge, remainders[groupOf(charge.key)], now)
      const backlog = backlogUnder(charge, budget, now)
      // Written back even if the request is denied: a bound that is only read would lock at every attempt anew.
      if (backlog > 0) set(budget, charge, now + backlog)
      return backlog
    },
    take(charge, before, now) {
      if (charge.cost === 0) return
      const { key, interval, burst } = charge
      const full = now + chargedBacklog(charge, before)
      const budget = budgets.get(key)
      if (budget !== undefined) set(budget, charge, full)
      else if (makeRoom(now)) budgets.set(key, { key, interval, burst, full })
      else remember({ key, interval, burst, full }, now)
    },
  }

  function makeRoom(now: number): boolean {
    let leastUsed: KeptBudget | undefined
    let least = 0.5
    for (let step = 0; step < STEPS && budgets.size > 0; step += 1) {
      const budget = nextBudget()
      const used = backlogUnder(budget, budget, now) / (budget.interval * budget.burst)
      if (used === 0) budgets.delete(budget.key)
      else if (used <= least) [leastUsed, least] = [budget, used]
    }
    if (budgets.size < maxEntries) return true
    if (leastUsed === undefined) return false
    remember(leastUsed, now)
    return budgets.delete(leastUsed.key)
  }

  function nextBudget(): KeptBudget {
    let next = hand.next()
    if (next.done) {
      hand = budgets.values()
      next = hand.next()
    }
    return next.value as KeptBudget
  }

  function remember(budget: KeptBudget, now: number): void {
    const group = groupOf(budget.key)
    const remainder = remainders[group]
    if (remainder === undefined || remainder.full <= now) {
      const { interval, burst, full } = budget
      remainders[group] = { interval, burst, full }
      return
    }
    // The slower rate and the larger burst: right for both, or stricter.
    const rate = {
      interval: Math.max(remainder.interval, budget.interval),
      burst: Math.max(remainder.burst, budget.burst),
    }
    const backlog = Math.max(backlogUnder(rate, remainder, now), backlogUnder(rate, budget, now))
    set(remainder, rate, now + backlog)
  }
}

/** After a clock stepped back, no budget owes more than its own burst. */
function backlogUnder(rate: GcraRate, budget: Budget | undefined, now: number): number {
  if (budget === undefined || budget.full <= now) return 0
  budget.full = Math.min(budget.full, now + budget.interval * budget.burst)
  return carryBacklog(rate, budget.full - now, budget.interval)
}

function set(budget: Budget, { interval, burst }: GcraRate, full: number): void {
  budget.interval = interval
  budget.burst = burst
  budget.full = full
}

function groupOf(key: string): number {
  let hash = 0
  for (let index = 0; index < Math.min(key.length, 8); index += 1) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0
  }
  return (hash >>> 0) % GROUPS
}
