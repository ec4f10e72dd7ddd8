import type { Demand } from '../operation.js'
import { wholeSeconds } from '../rate-limit/fields.js'
import { isRefusal, refuse, type Refusal, type RefusalCode } from '../refusal.js'
import { type ChallengeParameters, type Challenges, scopeParameter } from './challenge.js'
import { alternativesOf } from './demand.js'
import type { RejectionReason } from './events.js'
import { FAILURE_QUOTA } from './failures.js'
import type { Rejected, Scheme, Undecided } from './scheme.js'

/** The refusals of a chain, each with its challenge (RFC 6750 3, RFC 9110 11.6.1). */
export interface AuthRefusals {
  /**
   * Nothing was sent. No error code: the client has done nothing wrong yet.
   *
   * @param scopes what the operation demands: told to clients who are told where to get a token.
   */
  missing(scopes: Demand | undefined): Refusal
  /** A repeated credential, or two. */
  ambiguous(): Refusal
  /** A credential of a scheme that the chain does not have. */
  unknown(): Refusal
  rejected(scheme: Scheme, verdict: Rejected): Refusal
  undecided(verdict: Undecided): Refusal
  /** The address failed too often; it may come back after `wait` microseconds. */
  slowedDown(wait: number): Refusal
  /** `authorize` said no to what `scheme` found; without a scheme nobody is known. */
  denied(denied: Refusal, scopes: Demand | undefined, scheme: Scheme | undefined): Refusal
}

/**
 * Makes the refusals of a chain.
 *
 * @param asker the scheme whose challenge says which scopes to ask for when nothing was sent. Default: none says it.
 */
export function authRefusals(challenges: Challenges, asker?: Scheme): AuthRefusals {
  const ambiguous = challenged('credentials-ambiguous', challenges.all({ error: 'invalid_request' }))
  const missing = challenged('credentials-missing', challenges.all())
  const unknown = challenged('credentials-invalid', challenges.all())

  const missingFor = (scopes: Demand | undefined): Refusal => {
    const scope = asker && scopes && scopeParameter(alternativesOf(scopes)[0] ?? [])
    return scope ? challenged('credentials-missing', challenges.all({ scope }, asker)) : missing
  }

  return {
    missing: missingFor,
    ambiguous: () => ambiguous,
    unknown: () => unknown,
    rejected(scheme, verdict) {
      if (isRefusal(verdict.refusal)) {
        return { ...verdict.refusal, headers: { ...NO_STORE, ...verdict.refusal.headers } }
      }
      const lines = challenges.all(verdict.challenge ?? invalidToken(verdict), scheme)
      const refusal = challenged('credentials-invalid', lines)
      return { ...refusal, headers: { ...verdict.headers, ...refusal.headers } }
    },
    undecided({ retryAfter }) {
      const seconds = Math.max(1, Math.ceil(retryAfter / 1_000))
      return refuse('auth-unavailable', { headers: { ...NO_STORE, 'retry-after': String(seconds) } })
    },
    slowedDown(wait) {
      return refuse('quota-exceeded', {
        detail: 'Too many credentials from this address were bad.',
        headers: { ...NO_STORE, 'retry-after': String(wholeSeconds(wait)) },
        members: { 'violated-policies': [FAILURE_QUOTA] },
      })
    },
    denied(denied, scopes, scheme) {
      if (scheme === undefined || denied.code !== 'scope-insufficient') return missingFor(scopes)
      // The first way to meet it. Roles have no word in a challenge.
      const scope = scopes && scopeParameter(alternativesOf(scopes)[0] ?? [])
      const error = { error: 'insufficient_scope', ...(scope && { scope }) }
      return challenged(denied.code, [challenges.only(scheme, error)])
    },
  }
}

const NO_STORE = { 'cache-control': 'no-store' } as const

function challenged(code: RefusalCode, lines: readonly string[]): Refusal {
  const [first, ...more] = lines
  return refuse(code, {
    headers: { ...NO_STORE, 'www-authenticate': more.length === 0 && first !== undefined ? first : lines },
  })
}

/** Only a genuine credential's owner is told more: anyone else would learn what to forge. */
function invalidToken({ genuine, reason }: Rejected): ChallengeParameters {
  const description = genuine === true ? DESCRIPTIONS[reason] : undefined
  return { error: 'invalid_token', ...(description && { error_description: description }) }
}

const DESCRIPTIONS: Readonly<Partial<Record<RejectionReason, string>>> = {
  malformed: 'token malformed',
  'wrong-audience': 'token is for another audience',
  expired: 'token expired',
  'not-yet-valid': 'token not yet valid',
  'issued-in-future': 'token issued in the future',
  'claim-missing': 'token lacks a required claim',
  revoked: 'token revoked',
  inactive: 'token inactive',
  'binding-failed': 'token is bound to another sender',
}
