import { type Refusal, refuse } from '../refusal.js'
import type { IdempotencyUnknownReason } from './events.js'
import type { IdempotencyRecord } from './store.js'

/** The longest wait a full store or share asks for: a withdrawn key may free a place much earlier than the next one ends. */
const LONGEST_WAIT = 60_000

/** What a store that is away asks for. */
const UNAVAILABLE_WAIT = 5_000

/** The route demands a key. */
export function keyMissing(): Refusal {
  const detail = 'This operation requires an Idempotency-Key header field.'
  return refuse('idempotency-key-missing', { detail, members: advice(false, true) })
}

export function keyMalformed(detail: string): Refusal {
  return refuse('idempotency-key-malformed', { detail, members: advice(false, true) })
}

/** Keys of callers that nobody knows would be one key space for all of them. */
export function callerUnknown(): Refusal {
  const detail = 'An Idempotency-Key is honoured for authenticated callers only.'
  return refuse('idempotency-caller-unknown', { detail, members: advice(false, false) })
}

export function keyReused(ref: string): Refusal {
  return refuse('idempotency-key-reused', { members: advice(false, true, ref) })
}

/** @param remaining what is left of the owner's lease, in milliseconds. */
export function inFlight(ref: string, remaining: number): Refusal {
  return refuse('idempotency-in-flight', {
    headers: retryAfter(remaining),
    members: advice(true, false, ref),
  })
}

export function claimLost(ref: string): Refusal {
  return refuse('idempotency-claim-lost', { headers: retryAfter(0), members: advice(true, false, ref) })
}

export function outcomeUnknown(ref: string, reason: IdempotencyUnknownReason): Refusal {
  const detail = DETAILS[reason]
  return refuse('idempotency-outcome-unknown', { detail, members: { ...advice(false, false, ref), reason } })
}

export function resultNotKept(ref: string, { status, headers }: IdempotencyRecord): Refusal {
  const members = { ...advice(false, false, ref), original_status: status }
  const { location } = headers
  return refuse('idempotency-result-not-kept', {
    members: location === undefined ? members : { ...members, location },
  })
}

export function failed(ref: string): Refusal {
  return refuse('idempotency-failed', { members: advice(false, false, ref) })
}

/** @param remaining until a place of the caller's becomes free, in milliseconds. */
export function shareFull(ref: string, remaining: number): Refusal {
  const headers = retryAfter(Math.min(remaining, LONGEST_WAIT))
  return refuse('idempotency-quota-exceeded', { headers, members: advice(true, false, ref) })
}

/** @param remaining until a place becomes free, in milliseconds. */
export function storeFull(ref: string, remaining: number): Refusal {
  const headers = retryAfter(Math.min(remaining, LONGEST_WAIT))
  return refuse('idempotency-store-full', { headers, members: advice(true, false, ref) })
}

export function storeUnavailable(ref: string): Refusal {
  const headers = retryAfter(UNAVAILABLE_WAIT)
  return refuse('idempotency-store-unavailable', { headers, members: advice(true, false, ref) })
}

const DETAILS: Readonly<Record<IdempotencyUnknownReason, string>> = {
  'lease-lapsed': 'A request with this key began and did not end. Whether it took effect is not known.',
  'completion-lost':
    'The request ran, but its result could not be stored. Whether it took effect is not known.',
  'store-amnesia': 'The key is older than what is remembered. Whether it was used before is not known.',
}

/**
 * What a client may do: send the same again, or send it under another key. Another key after an unknown outcome may
 * do the thing twice.
 */
function advice(retryable: boolean, safeNewKey: boolean, ref?: string): Readonly<Record<string, unknown>> {
  const members = { retryable, safe_new_key: safeNewKey }
  return ref === undefined ? members : { ...members, operation_ref: ref }
}

/** Whole seconds, rounded up: a client that comes back is not too early (RFC 9110 10.2.3). */
function retryAfter(wait: number): { 'retry-after': string } {
  return { 'retry-after': String(Math.max(1, Math.ceil(wait / 1000))) }
}
