import type { Exchange } from '../exchange.js'
import type { Reply } from '../reply.js'
import { replay } from './record.js'
import * as no from './refusals.js'
import type { ClaimVerdict, IdempotencyRecord } from './store.js'

/** The store did not say in time whether the claim was won. */
export interface Unclaimed {
  readonly state: 'unavailable'
}

/** Replies to a request that must not run. */
export function answerInstead(
  exchange: Exchange,
  operationRef: string,
  verdict: Exclude<ClaimVerdict, { state: 'won' }> | Unclaimed,
): Reply {
  switch (verdict.state) {
    case 'done':
      return answerDone(exchange, operationRef, verdict.record)
    case 'busy':
      exchange.report({ type: 'idempotency.in-flight', operationRef, remaining: verdict.remaining })
      return no.inFlight(operationRef, verdict.remaining)
    case 'mismatch':
      exchange.report({ type: 'idempotency.mismatched', operationRef })
      return no.keyReused(operationRef)
    case 'unknown':
      exchange.report({ type: 'idempotency.unknown', operationRef, reason: 'lease-lapsed' })
      return no.outcomeUnknown(operationRef, 'lease-lapsed')
    case 'amnesia':
      exchange.report({ type: 'idempotency.unknown', operationRef, reason: 'store-amnesia' })
      return no.outcomeUnknown(operationRef, 'store-amnesia')
    case 'share-full':
      exchange.report({ type: 'idempotency.quota-exceeded', operationRef })
      return no.shareFull(operationRef, verdict.remaining)
    case 'full':
      exchange.report({ type: 'idempotency.store-full', operationRef })
      return no.storeFull(operationRef, verdict.remaining)
    default:
      exchange.report({ type: 'idempotency.store-failed', operationRef, call: 'claim' })
      return no.storeUnavailable(operationRef)
  }
}

function answerDone(exchange: Exchange, operationRef: string, record: IdempotencyRecord): Reply {
  const { outcome, status } = record
  // Nothing runs: what is left of the cost is the request itself.
  exchange.spent = 1
  if (outcome === 'answered') {
    exchange.report({ type: 'idempotency.replayed', operationRef, status })
    return replay(record)
  }
  exchange.report({ type: 'idempotency.settled', operationRef, outcome })
  return outcome === 'failed' ? no.failed(operationRef) : no.resultNotKept(operationRef, record)
}
