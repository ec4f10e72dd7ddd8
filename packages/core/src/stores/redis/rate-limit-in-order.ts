import type { RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import { wasSent } from '../store-failure.js'
import { StoreUnavailable } from '../unavailable.js'
import { type ChargeGroup, groupsOf, joined } from './rate-limit-groups.js'
import { FINAL, type Reserving } from './rate-limit-wire.js'
import type { RunScript, TimedCalls, TimedRedis } from './script-time.js'

/** The calls about charges of one key. */
export interface BudgetCalls {
  take(run: RunScript, group: ChargeGroup, reserving: Reserving): Promise<RateLimitDecision>
  look(run: RunScript, group: ChargeGroup): Promise<RateLimitDecision>
  /**
   * @param costs per charge; one that is missing costs nothing.
   * @returns whether there was something to be settled of each charge.
   */
  settle(run: RunScript, group: ChargeGroup, id: string, costs: readonly number[]): Promise<boolean>
}

/** What decisions over several keys are made with. */
export interface TakingInOrderInit {
  readonly redis: TimedRedis
  readonly budgets: BudgetCalls
  /** The deadline of a decision, in microseconds. */
  readonly deadline: number
}

/**
 * Makes decisions over several keys: takes key by key and stops at the first denial. What was taken before is given
 * back, exactly. All of it has one deadline; what is to be given back then is given back behind the answer.
 */
export function takingInOrder({ redis, budgets, deadline }: TakingInOrderInit) {
  // As long as the decision may take, and the call that gives back.
  const undo = 2 * deadline

  return (charges: readonly RateLimitCharge[], reserving: Reserving): Promise<RateLimitDecision> =>
    redis.together(async (calls) => {
      const groups = groupsOf(charges)
      // Nothing is taken when a look at the charges tells the end.
      if (charges.some(({ cost, burst }) => cost > burst)) {
        return joined(groups, await Promise.all(groups.map((group) => budgets.look(calls.run, group))))
      }
      const decisions: RateLimitDecision[] = []
      for (const [index, group] of groups.entries()) {
        // The last one is never undone: a key that many share keeps no reservations for it.
        const isLast = index === groups.length - 1
        const lasting = isLast ? reserving.lasting : Math.max(reserving.lasting, undo)
        const how = lasting === 0 ? FINAL : { ...reserving, lasting }
        let decision: RateLimitDecision
        try {
          decision = await budgets.take(calls.run, group, how)
        } catch (error) {
          const isSent = wasSent(error)
          // It may be charged in full, and counts as if it were.
          if (isLast && isSent) throw error
          const givenBack = giveBack(groups, { taken: index, isSent, id: reserving.id })
          let isBack = false
          await calls.waitFor(givenBack.then((is) => (isBack = is)))
          throw !isSent && isBack ? error : told(error, givenBack)
        }
        decisions.push(decision)
        if (decision.outcome === 'admitted') continue
        // The denial stands, also when the store goes away in the middle of it: what was taken stays taken then.
        await calls.waitFor(giveBack(groups, { taken: index, isSent: false, id: reserving.id }))
        return joined(groups, await Promise.all(looksAround(calls, groups, index, decision)))
      }
      return joined(groups, decisions)
    })

  /**
   * @param isSent the call for the next key had no answer: it may have been taken too.
   * @returns whether all that was taken is back, as far as is known. Never rejects.
   */
  async function giveBack(groups: readonly ChargeGroup[], { taken, isSent, id }: Taken): Promise<boolean> {
    const undone = groups.slice(0, isSent ? taken + 1 : taken).map(async (group, index) => {
      try {
        // There may have been nothing to give back where nobody knows whether it was taken.
        return (await budgets.settle(redis.run, group, id, [])) || index === taken
      } catch (error) {
        // Two calls without an answer come one behind the other.
        return index === taken && error instanceof StoreUnavailable && error.mayHaveApplied
      }
    })
    return (await Promise.all(undone)).every(Boolean)
  }

  function looksAround(
    calls: TimedCalls,
    groups: readonly ChargeGroup[],
    denied: number,
    denial: RateLimitDecision,
  ): Promise<RateLimitDecision>[] {
    return groups.map(async (group, index) =>
      index === denied ? denial : budgets.look(calls.run, group).catch(() => unknown(group)),
    )
  }
}

/** Of how many keys a decision took something. */
interface Taken {
  readonly taken: number
  readonly isSent: boolean
  readonly id: string
}

/** Why there is no decision. A call that was not sent is an error too, while something else may stay charged. */
function told(error: unknown, givenBack: Promise<boolean>): unknown {
  if (!(error instanceof StoreUnavailable)) return error
  const { reason, kind, mayHaveApplied } = error
  return mayHaveApplied
    ? new StoreUnavailable(reason, kind, givenBack)
    : new StoreUnavailable('error', reason, givenBack)
}

/** How budgets stand that could not be looked at. */
function unknown({ charges }: ChargeGroup): RateLimitDecision {
  return { outcome: 'admitted', quotas: charges.map(() => ({ remaining: 0, renewal: 0, wait: 0 })) }
}
