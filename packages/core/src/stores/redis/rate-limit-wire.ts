import { isWindow } from '../../rate-limit/decision.js'
import { gcraState, gcraWait } from '../../rate-limit/gcra.js'
import type { QuotaState, RateLimitCharge, RateLimitDecision } from '../../rate-limit/store.js'
import { windowShape } from '../../rate-limit/window.js'
import type { RedisArgument } from './client.js'

/** How charges are reserved. */
export interface Reserving {
  /** Empty where nothing is reserved. */
  readonly id: string
  /** Microseconds; 0 where nothing is reserved. */
  readonly lasting: number
  /** The id of the reservation whose place it takes, or empty. */
  readonly replaced: string
}

/** Charges that are final. */
export const FINAL: Reserving = { id: '', lasting: 0, replaced: '' }

/** The arguments that take charges of one key. */
export function takingArguments(
  charges: readonly RateLimitCharge[],
  { id, lasting, replaced }: Reserving,
): RedisArgument[] {
  const cost = lasting === 0 ? plainCost(charges) : undefined
  return cost === undefined
    ? ['', planOf(charges), 1, id, lasting, replaced, ...charges.map((charge) => charge.cost)]
    : [cost, planOf(charges)]
}

/** The arguments that look at the budgets of one key. */
export function lookingArguments(charges: readonly RateLimitCharge[]): RedisArgument[] {
  return ['', planOf(charges), 0, '', 0, '', ...charges.map((charge) => charge.cost)]
}

/** The arguments that settle charges of one key. */
export function settlingArguments(
  charges: readonly RateLimitCharge[],
  reservation: string,
  costs: readonly number[],
): RedisArgument[] {
  const args: RedisArgument[] = [reservation]
  for (const [index, charge] of charges.entries()) {
    args.push(budgetId(charge), charge.cost, costs[index] ?? 0)
  }
  return args
}

/** What every charge costs, where that is all there is to say: they are of GCRA, and none is impossible. */
function plainCost(charges: readonly RateLimitCharge[]): number | undefined {
  const cost = charges[0]?.cost
  for (const charge of charges) {
    if (charge.cost !== cost || isWindow(charge) || charge.cost > charge.burst) return undefined
  }
  return cost
}

/** A line for each charge: the microseconds of a unit or a stretch, the burst, the budget's id. */
function planOf(charges: readonly RateLimitCharge[]): string {
  let plan = ''
  for (const charge of charges) {
    const unit = isWindow(charge) ? windowShape(charge).width : charge.interval
    plan += `${unit} ${charge.burst} ${budgetId(charge)}\n`
  }
  return plan
}

/** A budget is found by its quota; one of another algorithm or window stands beside it. */
function budgetId(charge: RateLimitCharge): string {
  const { quota } = charge
  // A line ends with a line feed, and different quotas must stay different.
  const name = /[\\\n]/.test(quota) ? quota.replaceAll('\\', '\\\\').replaceAll('\n', '\\n') : quota
  if (!isWindow(charge)) return `g${name}`
  const { width, behind } = windowShape(charge)
  return `${width}/${behind} ${name}`
}

const OUTCOMES = ['admitted', 'denied', 'impossible', 'denied'] as const
const BLOCKED = 3

/** What the script said about charges of one key. */
export function decisionOf(charges: readonly RateLimitCharge[], reply: unknown): RateLimitDecision {
  const numbers = reply as readonly unknown[]
  // Elsewhere there are three numbers for each charge, and one more.
  if (numbers.length === charges.length) return plainDecision(charges, numbers)
  const quotas: QuotaState[] = []
  for (let at = 1; at < numbers.length; at += 3) {
    const wait = Number(numbers[at + 2])
    quotas.push({
      remaining: Number(numbers[at]),
      renewal: Number(numbers[at + 1]),
      wait: wait === -1 ? Number.POSITIVE_INFINITY : wait,
    })
  }
  const outcome = Number(numbers[0])
  return decided(OUTCOMES[outcome] ?? 'denied', quotas, outcome === BLOCKED)
}

/** The script says how much is owed; the rest follows from the rates. */
function plainDecision(charges: readonly RateLimitCharge[], numbers: readonly unknown[]): RateLimitDecision {
  const quotas: QuotaState[] = []
  let longest = 0
  for (let index = 0; index < charges.length; index += 1) {
    const charge = charges[index] as Extract<RateLimitCharge, { readonly interval: number }>
    const said = Number(numbers[index])
    const backlog = said < 0 ? -1 - said : said
    const wait = said < 0 ? gcraWait(charge, backlog) : 0
    if (wait > longest) longest = wait
    quotas.push(gcraState(charge, backlog, wait))
  }
  return Number(numbers[0]) < 0
    ? { outcome: 'denied', quotas, wait: longest }
    : { outcome: 'admitted', quotas }
}

/** One decision from an outcome and the states of its quotas. */
export function decided(
  outcome: RateLimitDecision['outcome'],
  quotas: readonly QuotaState[],
  isBlocked: boolean,
): RateLimitDecision {
  if (outcome !== 'denied') return { outcome, quotas }
  const wait = Math.max(0, ...quotas.map((quota) => quota.wait))
  return isBlocked ? { outcome, quotas, wait, isBlocked } : { outcome, quotas, wait }
}
