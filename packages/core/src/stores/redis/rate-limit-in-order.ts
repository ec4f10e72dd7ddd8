import type { RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import { StoreUnavailable } from '../unavailable.js'
import { type ChargeGroup, groupsOf, joined } from './rate-limit-groups.js'
import { FINAL, type Reserving } from './rate-limit-wire.js'
import type { RunScript, TimedCalls, TimedRedis } from './script-time.js'

/** The calls about charges of one key. */
export interface BudgetCalls {
  take(run: RunScript, group: ChargeGroup, reserving: Reserving): Promise<RateLimitDecision>
  look(run: RunScript, group: ChargeGroup): Promise<RateLimitDecision>
  /** @param costs per charge; one that is missing costs nothing. */
  settle(run: RunScript, group: ChargeGroup, id: string, costs: readonly number[]): Promise<void>
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
          const isSent = !(error instanceof StoreUnavailable) || error.mayHaveApplied
          // It may be charged in full, and counts as if it were.
          if (isLast && isSent) throw error
          const isBack = await giveBack(calls, groups.slice(0, isSent ? index + 1 : index), reserving.id)
          throw told(error, isBack)
        }
        decisions.push(decision)
        if (decision.outcome === 'admitted') continue
        // The denial stands, also when the store goes away in the middle of it: what was taken stays taken then.
        await giveBack(calls, groups.slice(0, index), reserving.id)
        return joined(groups, await Promise.all(looksAround(calls, groups, index, decision)))
      }
      return joined(groups, decisions)
    })

  /** @returns false where it is known to have failed; what takes longer than there is time goes on. Never rejects. */
  async function giveBack(calls: TimedCalls, groups: readonly ChargeGroup[], id: string): Promise<boolean> {
    let isBack = true
    const settled = groups.map((group) => budgets.settle(redis.run, group, id, []))
    await calls.waitFor(Promise.all(settled).catch(() => (isBack = false)))
    return isBack
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

/** Why there is no decision. What is given back, if only behind the answer, counts as if it had not been charged. */
function told(error: unknown, isBack: boolean): unknown {
  if (!(error instanceof StoreUnavailable)) return error
  const { reason, kind, mayHaveApplied } = error
  if (isBack) return new StoreUnavailable(reason, kind, false)
  return mayHaveApplied ? error : new StoreUnavailable('error', reason)
}

/** How budgets stand that could not be looked at. */
function unknown({ charges }: ChargeGroup): RateLimitDecision {
  return { outcome: 'admitted', quotas: charges.map(() => ({ remaining: 0, renewal: 0, wait: 0 })) }
}
