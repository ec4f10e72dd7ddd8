import type { Exchange, Next, Policy } from '../exchange.js'
import type { Fields } from '../fields.js'
import { reasonOf } from '../stores/store-failure.js'
import { passWith } from '../rate-limit/pass-with.js'
import type { SlotDecision, SlotRequest, SlotStore } from '../rate-limit/store.js'
import { refuse } from '../refusal.js'
import type { Reply } from '../reply.js'
import { whenSent } from '../sent.js'
import { memoryRateLimitStore } from '../stores/memory/rate-limit.js'
import { checkOptions, type CheckedSlots, type ConcurrencyLimitOptions } from './options.js'
import { type Held, holding } from './hold.js'

/** When to come back, in seconds: nobody knows when a slot gets free. */
const RETRY_AFTER = '1'

/**
 * Lets a request pass while every quota has a free slot, and holds the slots until the answer has flowed. The slots of a
 * process that dies get free when their lease is over.
 *
 * Refusals: `concurrency-exceeded` (429), `rate-limit-unavailable` (503).
 *
 * @throws TypeError at start-up when an option can't be right.
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions): Policy {
  const { store, quotas, lease, headers, onStoreDown, expectedProcesses, clock } = checkOptions(options)
  const share = memoryRateLimitStore({ clock })
  const hold = holding(clock, lease)
  const policyField = quotas
    .map(({ name, limit }) => `"${name}";q=${limit};qu="concurrent-requests"`)
    .join(', ')

  const fieldsOf = (free?: readonly number[]): Fields => {
    if (headers === 'none') return {}
    if (free === undefined) return { 'ratelimit-policy': policyField }
    const state = quotas.map(({ name }, index) => `"${name}";r=${free[index] ?? 0}`).join(', ')
    return { 'ratelimit-policy': policyField, ratelimit: state }
  }

  /** Undefined while the store is away and nobody stands in for it. */
  const acquire = async (exchange: Exchange): Promise<Acquired | undefined> => {
    const requests = requestsOf(exchange, quotas)
    try {
      return { by: store, decision: await store.acquire(requests, lease) }
    } catch (error) {
      exchange.report({ type: 'concurrency.store-failed', call: 'acquire', reason: reasonOf(error) })
      if (onStoreDown !== 'local') return undefined
      const shares = requests.map((request) => {
        return { ...request, limit: Math.max(1, Math.floor(request.limit / expectedProcesses)) }
      })
      return { by: share, decision: await share.acquire(shares, lease) }
    }
  }

  return {
    name: 'concurrency-limit',
    stage: 'rate-limit',
    needsIdentity: quotas.some(({ needsIdentity }) => needsIdentity),
    async handle(exchange, next) {
      const acquired = await acquire(exchange)
      if (acquired === undefined) {
        exchange.report({ type: 'concurrency.undecided', admitted: onStoreDown === 'allow' })
        if (onStoreDown === 'allow') return passWith(fieldsOf(), next)
        return refuse('rate-limit-unavailable', { headers: { 'retry-after': RETRY_AFTER, ...fieldsOf() } })
      }
      const { by, decision } = acquired
      const degraded = by === share
      const fields = fieldsOf(decision.free)
      if (decision.outcome === 'full') {
        const violated = quotas.filter((_, index) => decision.free[index] === 0).map(({ name }) => name)
        exchange.report({ type: 'concurrency.denied', violated, degraded })
        return refuse('concurrency-exceeded', {
          headers: { 'retry-after': RETRY_AFTER, ...fields },
          members: { 'violated-policies': violated },
        })
      }
      exchange.report({ type: 'concurrency.admitted', free: Math.min(...decision.free), degraded })
      return passHolding(hold(exchange, by, decision.hold), fields, next)
    },
  }
}

interface Acquired {
  readonly by: SlotStore
  readonly decision: SlotDecision
}

function requestsOf(exchange: Exchange, quotas: readonly CheckedSlots[]): readonly SlotRequest[] {
  return quotas.map(({ name, limit, keyFor }) => ({ quota: name, limit, key: keyFor(exchange) }))
}

async function passHolding(held: Held, fields: Fields, next: Next): Promise<Reply> {
  try {
    const reply = await passWith(fields, next)
    whenSent(reply, held.release)
    return reply
  } catch (error) {
    held.release()
    throw error
  }
}
