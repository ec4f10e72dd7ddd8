import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkInteger, checkKnown, checkMethods } from '../options.js'
import { elapsedTime } from '../stores/memory/elapsed-time.js'
import { callerOf, isSamePlan } from './charged-plan.js'
import { segmented } from './segmented.js'
import type { QuotaState, RateLimitCharge, RateLimitDecision, BudgetStore } from './store.js'

/** Settings of {@link hotDeny}. */
export interface HotDenyOptions {
  /**
   * How long a denial is repeated at the most without asking the store: so long a refund, a raised limit or a lifted
   * block may go unnoticed. Default 1 s.
   */
  readonly ttl?: Duration
  /** For how many callers denials are remembered. Default 10,000. */
  readonly maxEntries?: number
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What an option is when nobody says otherwise. */
export const HOT_DENY_DEFAULTS = { ttl: 1_000, maxEntries: 10_000 } as const

/** How many different denials of one caller are remembered. */
const MOST_PLANS = 4

type Denied = Extract<RateLimitDecision, { readonly outcome: 'denied' }>

interface HotDenial {
  readonly charges: readonly RateLimitCharge[]
  readonly decision: Denied
  /** Milliseconds of elapsed time: when the store had answered, and until when its answer is repeated. */
  readonly answered: number
  readonly until: number
  /** What was said last, and when: a flood asks many times in a millisecond. */
  said: Denied
  saidAt: number
}

/**
 * Puts a memory of denials before a store: who was just denied is denied again without a round trip, until the time at
 * which the store said that the request fits, or for `ttl`. Only the same charges are: another cost, another quota
 * or another rate is asked for anew. It admits nobody by itself.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function hotDeny(store: BudgetStore, options: HotDenyOptions = {}): BudgetStore {
  checkMethods('hotDeny: store', store, ['consume', 'settle', 'block'])
  checkKnown('hotDeny', options, ['ttl', 'maxEntries', 'clock'])
  const { ttl, maxEntries, clock } = { ...HOT_DENY_DEFAULTS, clock: systemClock, ...options }
  const longest = milliseconds('hotDeny: ttl', ttl)
  checkInteger('hotDeny: maxEntries', maxEntries, 2)
  checkMethods('hotDeny: clock', clock, ['now'])
  const elapsed = elapsedTime(clock)
  const denials = segmented<HotDenial[]>(maxEntries)

  const ask: BudgetStore['consume'] = async (charges, asked) => {
    // Repeated for a time from the question on: never longer than the store would deny. Told from the answer on: nobody
    // is told to come back too early.
    const start = elapsed()
    const decision = await store.consume(charges, asked)
    if (decision.outcome === 'denied') {
      const answered = elapsed()
      const until = start + Math.min(decision.wait / 1_000, longest)
      const others = denials.get(callerOf(charges))?.filter((one) => !isSame(one.charges, charges)) ?? []
      const said: Denied = { ...decision, isRemembered: true }
      const denial = { charges, decision: said, answered, until, said, saidAt: answered }
      denials.set(callerOf(charges), [...others.slice(1 - MOST_PLANS), denial])
    }
    return decision
  }

  return {
    usedWithin: store.usedWithin,
    decidesWithin: store.decidesWithin,
    consume(charges, asked) {
      if (denials.size === 0) return ask(charges, asked)
      const known = denials.get(callerOf(charges))
      if (known === undefined) return ask(charges, asked)
      const now = elapsed()
      for (const denial of known) {
        if (now < denial.until && isSame(denial.charges, charges)) return saidAt(denial, now)
      }
      return ask(charges, asked)
    },
    settle: (receipt, costs) => store.settle(receipt, costs),
    block: (key, duration) => store.block(key, duration),
  }
}

/** What the store said, as much later as it is now. */
function saidAt(denial: HotDenial, now: number): Denied {
  if (now !== denial.saidAt) {
    denial.said = aged(denial, now)
    denial.saidAt = now
  }
  return denial.said
}

function aged({ decision, answered }: HotDenial, now: number): Denied {
  const passed = Math.floor((now - answered) * 1_000)
  const later = (duration: number): number => (duration > 0 ? Math.max(1, duration - passed) : 0)
  const quotas = decision.quotas.map(({ remaining, renewal, wait }): QuotaState => ({
    remaining,
    renewal: later(renewal),
    wait: later(wait),
  }))
  return { ...decision, wait: later(decision.wait), quotas }
}

/** Whether the decision about one is the decision about the other: the costs count too. */
function isSame(one: readonly RateLimitCharge[], other: readonly RateLimitCharge[]): boolean {
  if (!isSamePlan(one, other)) return false
  for (let index = 0; index < one.length; index += 1)
    if (one[index]?.cost !== other[index]?.cost) return false
  return true
}
