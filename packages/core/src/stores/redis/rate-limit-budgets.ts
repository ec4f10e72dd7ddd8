import { randomId } from '../../id.js'
import type { BudgetStore, RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import type { BudgetScripts } from './rate-limit-budgets.lua.js'
import { groupsOf } from './rate-limit-groups.js'
import { type BudgetCalls, takingInOrder } from './rate-limit-in-order.js'
import {
  decisionOf,
  FINAL,
  lookingArguments,
  type Reserving,
  settlingArguments,
  takingArguments,
} from './rate-limit-wire.js'
import type { RunScript, TimedRedis } from './script-time.js'

/**
 * Makes the budgets. All charges of one key are one script; of several keys, one script after another.
 *
 * @param deadline of a decision, in microseconds.
 */
export function redisBudgets(
  redis: TimedRedis,
  scripts: BudgetScripts,
  keyFor: (key: string) => string,
  deadline: number,
): BudgetStore {
  const budgets: BudgetCalls = {
    take: (run, { key, charges }, reserving) =>
      decideAt(run, key, charges, takingArguments(charges, reserving)),
    look: (run, { key, charges }) => decideAt(run, key, charges, lookingArguments(charges)),
    async settle(run, { key, charges }, id, costs) {
      const settled = await run(scripts.settle, [keyFor(key)], settlingArguments(charges, id, costs))
      return Number(settled) === charges.length
    },
  }
  const takeInOrder = takingInOrder({ redis, budgets, deadline })

  return {
    consume(charges, { reserve = 0, replaces } = {}) {
      const [first] = charges
      if (first === undefined) return { outcome: 'admitted', quotas: [] }
      const isOneKey = charges.every(({ key }) => key === first.key)
      if (reserve === 0 && isOneKey) return take(first.key, charges, FINAL)
      const id = randomId()
      const reserving = { id, lasting: Math.round(reserve * 1_000), replaced: replaces?.id ?? '' }
      const decision = isOneKey ? take(first.key, charges, reserving) : takeInOrder(charges, reserving)
      return reserve === 0 ? decision : decision.then((made) => receipted(made, id, charges))
    },
    async settle({ id, charges }, costs) {
      const settled = groupsOf(charges).map((group) =>
        budgets.settle(
          redis.run,
          group,
          id,
          group.places.map((place, nth) => costs[place] ?? group.charges[nth]?.cost ?? 0),
        ),
      )
      await Promise.all(settled)
    },
    async block(key, duration) {
      await redis.run(scripts.block, [keyFor(key)], [Math.round(duration * 1_000)])
    },
  }

  function take(
    key: string,
    charges: readonly RateLimitCharge[],
    reserving: Reserving,
  ): Promise<RateLimitDecision> {
    return decideAt(redis.run, key, charges, takingArguments(charges, reserving))
  }

  function decideAt(
    run: RunScript,
    key: string,
    charges: readonly RateLimitCharge[],
    args: ReturnType<typeof takingArguments>,
  ): Promise<RateLimitDecision> {
    return run(scripts.consume, [keyFor(key)], args).then((reply) => decisionOf(charges, reply))
  }
}

function receipted(
  decision: RateLimitDecision,
  id: string,
  charges: readonly RateLimitCharge[],
): RateLimitDecision {
  return decision.outcome === 'admitted' ? { ...decision, receipt: { id, charges } } : decision
}
