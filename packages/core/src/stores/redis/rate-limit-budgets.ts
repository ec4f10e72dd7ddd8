import { randomId } from '../../id.js'
import { isWindow } from '../../rate-limit/decision.js'
import type { BudgetStore, QuotaState, RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import { windowShape } from '../../rate-limit/window.js'
import type { RedisArgument } from './client.js'
import type { BudgetScripts } from './rate-limit-budgets.lua.js'
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
 * @param undo for how many microseconds what was taken of one key can be given back when another denies.
 */
export function redisBudgets(
  run: RunScript,
  scripts: BudgetScripts,
  keyFor: (key: string) => string,
  undo: number,
): BudgetStore {
  return {
    async consume(charges, { reserve = 0 } = {}) {
      const groups = groupsOf(charges)
      const id = reserve > 0 || groups.length > 1 ? randomId() : ''
      const lasting = Math.round(reserve * 1_000)
      const [only] = groups
      if (only === undefined) return { outcome: 'admitted', quotas: [] }
      const decision =
        groups.length === 1
          ? await decideAt(only, '1', id, lasting)
          : await consumeInOrder(groups, id, lasting, charges)
      return reserve > 0 && decision.outcome === 'admitted'
        ? { ...decision, receipt: { id, charges } }
        : decision
    },
    async settle({ id, charges }, costs) {
      const settled = groupsOf(charges).map(({ key, charges: some, places }) =>
        settleAt(
          key,
          id,
          some,
          places.map((place, nth) => costs[place] ?? some[nth]?.cost ?? 0),
        ),
      )
      await Promise.all(settled)
    },
    async block(key, duration) {
      await run(scripts.block, [keyFor(key)], [Math.round(duration * 1_000)])
    },
  }

  async function decideAt(
    { key, charges }: Group,
    mode: '1' | '0',
    id: string,
    lasting: number,
  ): Promise<RateLimitDecision> {
    const args: RedisArgument[] = [mode, id, lasting]
    for (const charge of charges) pushCharge(args, charge)
    return decisionOf(await run(scripts.consume, [keyFor(key)], args))
  }

  /** Takes key by key and stops at the first denial. What was taken before is given back, exactly. */
  async function consumeInOrder(
    groups: readonly Group[],
    id: string,
    lasting: number,
    charges: readonly RateLimitCharge[],
  ): Promise<RateLimitDecision> {
    const decisions: RateLimitDecision[] = []
    // Nothing is taken when a look at the charges tells the end.
    let isDenied = charges.some(({ cost, burst }) => cost > burst)
    for (const [index, group] of groups.entries()) {
      if (isDenied) break
      // The last one is never undone: a key that many share keeps no reservations for it.
      const isLast = index === groups.length - 1
      const needed = isLast ? lasting : Math.max(lasting, undo)
      const decision = await decideAt(group, '1', needed === 0 ? '' : id, needed)
      decisions.push(decision)
      isDenied = decision.outcome !== 'admitted'
    }
    if (!isDenied) return joined(groups, decisions, charges.length)

    const denial = decisions.at(-1)
    // A charge that can never fit: nothing was taken.
    if (denial === undefined) return joined(groups, await Promise.all(groups.map(look)), charges.length)

    const last = decisions.length - 1
    const undone = groups.slice(0, last).map(({ key, charges: some }) => settleAt(key, id, some, []))
    // The denial stands, also when the store goes away in the middle of it: what was taken stays taken then.
    await Promise.allSettled(undone)
    const looks = groups.map(async (group, index) => {
      return index === last ? denial : look(group).catch(() => unknown(group))
    })
    return joined(groups, await Promise.all(looks), charges.length)
  }

  function look(group: Group): Promise<RateLimitDecision> {
    return decideAt(group, '0', '', 0)
  }

  async function settleAt(
    key: string,
    id: string,
    charges: readonly RateLimitCharge[],
    costs: readonly number[],
  ): Promise<void> {
    const args: RedisArgument[] = [id]
    for (const [index, charge] of charges.entries()) {
      args.push(budgetId(charge), charge.cost, costs[index] ?? 0)
    }
    await run(scripts.settle, [keyFor(key)], args)
  }
}

/** Groups charges by key, in the order of the keys. Nearly always there is one. */
function groupsOf(charges: readonly RateLimitCharge[]): readonly Group[] {
  const key = charges[0]?.key
  if (key !== undefined && charges.every((charge) => charge.key === key)) {
    return [{ key, charges, places: charges.map((_, place) => place) }]
  }
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

function pushCharge(args: RedisArgument[], charge: RateLimitCharge): void {
  const id = budgetId(charge)
  if (isWindow(charge)) {
    const { width, behind } = windowShape(charge)
    args.push(id, behind, width, charge.burst, charge.cost)
  } else args.push(id, -1, charge.interval, charge.burst, charge.cost)
}

/** A budget is found by its quota; one of another algorithm or window stands beside it. */
function budgetId(charge: RateLimitCharge): string {
  if (!isWindow(charge)) return `g${charge.quota}`
  const { width, behind } = windowShape(charge)
  return `${width}/${behind} ${charge.quota}`
}

const OUTCOMES = ['admitted', 'denied', 'impossible'] as const

function decisionOf(reply: unknown): RateLimitDecision {
  const numbers = reply as readonly unknown[]
  const quotas: QuotaState[] = []
  for (let at = 1; at < numbers.length; at += 3) {
    const wait = Number(numbers[at + 2])
    quotas.push({
      remaining: Number(numbers[at]),
      renewal: Number(numbers[at + 1]),
      wait: wait === -1 ? Number.POSITIVE_INFINITY : wait,
    })
  }
  return decided(OUTCOMES[Number(numbers[0])] ?? 'denied', quotas)
}

function decided(outcome: RateLimitDecision['outcome'], quotas: readonly QuotaState[]): RateLimitDecision {
  return outcome === 'denied'
    ? { outcome, quotas, wait: Math.max(0, ...quotas.map(({ wait }) => wait)) }
    : { outcome, quotas }
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
