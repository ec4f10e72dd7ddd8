import type { Exchange, Policy } from '../exchange.js'
import { checkInteger } from '../options.js'
import { refuse } from '../refusal.js'
import { type BlockReach, decider } from './decider.js'
import { deny } from './denial.js'
import { checkOptions, type RateLimitOptions } from './options.js'
import { passWith } from './pass-with.js'
import { chargesOf, planner } from './plan.js'
import { replyFields } from './reply-fields.js'
import { retryAfter } from './retry-after.js'
import { settler } from './settle.js'
import { shadowing } from './shadow.js'
import { tellBudgets } from './tell-budgets.js'

/** The policy, and what a service may do with its budgets. */
export interface RateLimitPolicy extends Policy {
  readonly quotas: readonly string[]
  /**
   * Refuses everything that takes from the same budget as this request, of the quota `name`, for so many milliseconds;
   * 0 lifts it. Quotas with the same `key` are blocked together.
   *
   * A block that was made here holds here while the store is away, whatever `onStoreDown` is. Made while it is away, it
   * holds here at once and everywhere when the store is back: the answer is `here` then.
   *
   * Rejects when the limiter has no such quota, or the store refuses: it has no room for another block.
   */
  block(exchange: Exchange, name: string, duration: number): Promise<BlockReach>
  /** Gives back the units that were taken ahead (`leases`) and are not used: before a process ends. */
  giveBack(): Promise<void>
}

/** When to come back after the store failed, in microseconds. */
const STORE_RETRY_AFTER = 5_000_000

/**
 * Lets a request pass while every quota has room for what its operation costs.
 *
 * A refused request takes from none. Refusals: `quota-exceeded` and `caller-blocked` (429), `cost-exceeds-quota` (400),
 * `caller-denied` (403), `rate-limit-unavailable` (503).
 *
 * @throws TypeError at start-up when an option can't be right.
 */
export function rateLimit(options: RateLimitOptions): RateLimitPolicy {
  const setting = checkOptions(options)
  const { quotas, onStoreDown, needsIdentity, retrySpread } = setting
  const planFor = planner(quotas)
  const { decide, block } = decider(setting)
  const settle = settler(setting)
  const watch = shadowing(setting)

  return {
    name: 'rate-limit',
    stage: 'rate-limit',
    needsIdentity,
    quotas: quotas.map(({ name }) => name),
    async handle(exchange, next) {
      const cost = checkInteger('rateLimit: operation.cost', exchange.operation.cost, 0)
      if (setting.isDenied(exchange)) {
        exchange.report({ type: 'rate-limit.caller-denied' })
        return refuse('caller-denied')
      }
      const reason = setting.isAllowed(exchange)
        ? 'allowed'
        : checkAnswered(setting.isSkipped(exchange))
          ? 'skip'
          : undefined
      if (reason !== undefined) {
        exchange.report({ type: 'rate-limit.skipped', reason })
        return next()
      }

      const plan = planFor(exchange.operation)
      if (plan.enforced.length === 0) {
        const settleShadows = watch(exchange, plan)
        const reply = await next()
        settleShadows()
        return reply
      }
      const terms = plan.enforced.map((quota) => quota.termsFor(exchange.identity))
      const charges = chargesOf(exchange, plan.enforced, terms)
      const ruling = await decide(exchange, charges, settle.reservation(plan.enforced, cost))
      if (ruling.by === 'nobody') {
        exchange.report({ type: 'rate-limit.undecided', cost, admitted: onStoreDown === 'allow' })
        const fields = replyFields(setting, { plan, terms, charges })
        if (onStoreDown === 'allow') return passWith(fields, next)
        const later = retryAfter(STORE_RETRY_AFTER, retrySpread)
        return refuse('rate-limit-unavailable', { headers: { 'retry-after': later, ...fields } })
      }
      const { decision } = ruling
      const degraded = ruling.by === 'share'
      tellBudgets(setting, exchange, { quotas: plan.enforced, charges, decision })
      const fields = replyFields(setting, { plan, terms, charges, states: decision.quotas })
      if (decision.outcome !== 'admitted')
        return deny(exchange, terms, decision, { charges, fields, degraded, retrySpread })
      const remaining = Math.min(...decision.quotas.map((state) => state.remaining))
      exchange.report({ type: 'rate-limit.admitted', cost, remaining, degraded })
      const settleShadows = watch(exchange, plan)
      const reply = await passWith(fields, next)
      if (decision.receipt !== undefined) settle.spent(exchange, plan.enforced, decision.receipt)
      settleShadows()
      return reply
    },
    giveBack: setting.giveBack,
    async block(exchange, name, duration) {
      const quota = quotas.find((candidate) => candidate.name === name)
      if (quota === undefined) throw new TypeError(`rateLimit: block: no quota is named '${name}'`)
      const milliseconds = checkInteger('rateLimit: block: duration', duration, 0)
      return block(exchange, quota.keyFor(exchange), milliseconds)
    },
  }
}

/** A promise is true to JavaScript: nothing would be limited. */
function checkAnswered(skipped: unknown): boolean {
  if (typeof skipped === 'boolean') return skipped
  // Its rejection would be nobody's, and end the process.
  if (skipped instanceof Promise) skipped.catch(() => undefined)
  throw new TypeError('rateLimit: skip must answer true or false, at once')
}
