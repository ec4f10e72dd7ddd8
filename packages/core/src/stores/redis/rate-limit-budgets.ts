import { randomId } from '../../id.js'
import type { BudgetStore, QuotaState, RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import { StoreUnavailable } from '../unavailable.js'
import type { RedisArgument } from './client.js'
import type { BudgetScripts } from './rate-limit-budgets.lua.js'
import {
  decided,
  decisionOf,
  FINAL,
  lookingArguments,
  type Reserving,
  settlingArguments,
  takingArguments,
} from './rate-limit-wire.js'
import type { RunScript } from './script-time.js'

/** Charges of one key, and where they stood among all. */
interface Group {
  readonly key: string
  readonly charges: readonly RateLimitCharge[]
  readonly places: readonly number[]
}

/**
 * Makes the budgets. All charges of one key are one script; of several keys, one script after another.
 *
 * @param deadline of a call, in microseconds: so long for each that may follow, what was taken of one key can be given
 * back when another denies.
 */
export function redisBudgets(
  run: RunScript,
  scripts: BudgetScripts,
  keyFor: (key: string) => string,
  deadline: number,
): BudgetStore {
  return {
    consume(charges, { reserve = 0, replaces } = {}) {
      const [first] = charges
      if (first === undefined) return { outcome: 'admitted', quotas: [] }
      const isOneKey = charges.every(({ key }) => key === first.key)
      if (reserve === 0 && isOneKey) return take(first.key, charges, FINAL)
      const id = randomId()
      const reserving = { id, lasting: Math.round(reserve * 1_000), replaced: replaces?.id ?? '' }
      const decision = isOneKey ? take(first.key, charges, reserving) : consumeInOrder(charges, reserving)
      return reserve === 0 ? decision : decision.then((made) => receipted(made, id, charges))
    },
    async settle({ id, charges }, costs) {
      const settled = groupsOf(charges).map((group) =>
        settleAt(
          group,
          id,
          group.places.map((place, nth) => costs[place] ?? group.charges[nth]?.cost ?? 0),
        ),
      )
      await Promise.all(settled)
    },
    async block(key, duration) {
      await run(scripts.block, [keyFor(key)], [Math.round(duration * 1_000)])
    },
  }

  function take(
    key: string,
    charges: readonly RateLimitCharge[],
    reserving: Reserving,
  ): Promise<RateLimitDecision> {
    return decideAt(key, charges, takingArguments(charges, reserving))
  }

  function look({ key, charges }: Group): Promise<RateLimitDecision> {
    return decideAt(key, charges, lookingArguments(charges))
  }

  function decideAt(
    key: string,
    charges: readonly RateLimitCharge[],
    args: readonly RedisArgument[],
  ): Promise<RateLimitDecision> {
    return run(scripts.consume, [keyFor(key)], args).then((reply) => decisionOf(charges, reply))
  }

  /** Takes key by key and stops at the first denial. What was taken before is given back, exactly. */
  async function consumeInOrder(
    charges: readonly RateLimitCharge[],
    reserving: Reserving,
  ): Promise<RateLimitDecision> {
    const groups = groupsOf(charges)
    const decisions: RateLimitDecision[] = []
    // Nothing is taken when a look at the charges tells the end.
    let isDenied = charges.some(({ cost, burst }) => cost > burst)
    for (const [index, group] of groups.entries()) {
      if (isDenied) break
      // The last one is never undone: a key that many share keeps no reservations for it.
      const isLast = index === groups.length - 1
      // Long enough for the calls of all keys behind it, and for the one that gives back.
      const undo = deadline * (groups.length - index)
      const needed = isLast ? reserving.lasting : Math.max(reserving.lasting, undo)
      const taken = take(group.key, group.charges, needed === 0 ? FINAL : { ...reserving, lasting: needed })
      const decision = await (index === 0 ? taken : taken.catch(failAfterCharge))
      decisions.push(decision)
      isDenied = decision.outcome !== 'admitted'
    }
    if (!isDenied) return joined(groups, decisions, charges.length)

    const denial = decisions.at(-1)
    // A charge that can never fit: nothing was taken.
    if (denial === undefined) return joined(groups, await Promise.all(groups.map(look)), charges.length)

    const last = decisions.length - 1
    const undone = groups.slice(0, last).map((group) => settleAt(group, reserving.id, []))
    // The denial stands, also when the store goes away in the middle of it: what was taken stays taken then.
    await Promise.allSettled(undone)
    const looks = groups.map(async (group, index) => {
      return index === last ? denial : look(group).catch(() => unknown(group))
    })
    return joined(groups, await Promise.all(looks), charges.length)
  }

  async function settleAt({ key, charges }: Group, id: string, costs: readonly number[]): Promise<void> {
    await run(scripts.settle, [keyFor(key)], settlingArguments(charges, id, costs))
  }
}

/** Groups charges by key, in the order of the keys. */
function groupsOf(charges: readonly RateLimitCharge[]): readonly Group[] {
  const groups = new Map<string, { key: string; charges: RateLimitCharge[]; places: number[] }>()
  for (const [place, charge] of charges.entries()) {
    const group = groups.get(charge.key)
    if (group === undefined) groups.set(charge.key, { key: charge.key, charges: [charge], places: [place] })
    else {
      group.charges.push(charge)
      group.places.push(place)
    }
  }
  return [...groups.values()]
}

function receipted(
  decision: RateLimitDecision,
  id: string,
  charges: readonly RateLimitCharge[],
): RateLimitDecision {
  return decision.outcome === 'admitted' ? { ...decision, receipt: { id, charges } } : decision
}

/** A call that was not sent, after another one charged: what they are parts of may have been charged all the same. */
function failAfterCharge(error: unknown): never {
  if (!(error instanceof StoreUnavailable) || error.mayHaveApplied) throw error
  throw new StoreUnavailable('error', error.reason)
}

/** How budgets stand that could not be looked at. */
function unknown({ charges }: Group): RateLimitDecision {
  return { outcome: 'admitted', quotas: charges.map(() => ({ remaining: 0, renewal: 0, wait: 0 })) }
}

/** One decision of several. Where one denied, the others only tell how their budgets stand. */
function joined(
  groups: readonly Group[],
  decisions: readonly RateLimitDecision[],
  count: number,
): RateLimitDecision {
  const quotas = Array<QuotaState>(count)
  for (const [index, { places }] of groups.entries()) {
    for (const [nth, place] of places.entries()) quotas[place] = decisions[index]?.quotas[nth] as QuotaState
  }
  const outcomes = new Set(decisions.map(({ outcome }) => outcome))
  if (outcomes.has('impossible')) return decided('impossible', quotas)
  return decided(outcomes.has('denied') ? 'denied' : 'admitted', quotas)
}
