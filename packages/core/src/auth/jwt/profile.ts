import { type Rejected, rejected } from '../scheme.js'
import { isFiniteNumber, own, rolesOf, scopesOf, textOf } from '../claims.js'
import type { JsonObject } from './compact.js'

/** What a token's claims must be, for one issuer or several that are told apart by `iss` alone. */
export interface ClaimRules {
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
  /** Where the audience stands: `aud`, or `client_id` where the issuer sends none. */
  readonly audienceClaim: 'aud' | 'client_id'
  readonly subjectClaim: string
  readonly tenantClaim: string | undefined
  readonly tierClaim: string | undefined
  readonly scopeClaim: string
  readonly scopeForm: 'string' | 'array'
  /** The path to the claim; undefined: no roles are read. */
  readonly roleClaim: readonly string[] | undefined
  /** Claims that must be there, beside those that always must. */
  readonly requiredClaims: readonly string[]
  readonly issuedAt: 'check' | 'ignore'
  /** Milliseconds. */
  readonly tolerance: number
  /** Milliseconds since `iat`; undefined leaves it to `exp`. */
  readonly maxLifetime: number | undefined
}

/** What a good token says. Times are milliseconds since the Unix epoch. */
export interface TokenClaims {
  readonly issuer: string
  readonly subject: string
  readonly tenant: string | undefined
  readonly tier: string | undefined
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly tokenId: string | undefined
  /** Good from here to there, the clock tolerance counted in. */
  readonly from: number
  readonly until: number
  /** As the token says it. */
  readonly issuedAt: number | undefined
  readonly expiresAt: number
}

/** Checks the issuer, before any key is looked for (RFC 8725 3.8). Exact: no URL is normalised. */
export function checkIssuer(payload: JsonObject, { issuers }: ClaimRules): string | Rejected {
  const issuer = own(payload, 'iss')
  if (issuer === undefined) return rejected('claim-missing', { at: 'iss' })
  if (typeof issuer !== 'string') return rejected('malformed', { at: 'iss' })
  if (issuers.includes(issuer)) return issuer
  return rejected('wrong-issuer', { at: 'iss', expected: issuers, received: [issuer] })
}

/** Checks the claims of a token whose signature is good (RFC 9068 4, RFC 8725 3.8 and 3.9). */
export function checkClaims(payload: JsonObject, rules: ClaimRules, now: number): TokenClaims | Rejected {
  const issuer = checkIssuer(payload, rules)
  if (typeof issuer !== 'string') return issuer
  const failure =
    checkAudience(payload, rules) ?? checkRequired(payload, rules) ?? checkOptionalTexts(payload, rules)
  if (failure !== undefined) return failure
  const span = checkTimes(payload, rules, now)
  if ('verdict' in span) return span
  const subject = own(payload, rules.subjectClaim)
  if (subject === undefined) return bad('claim-missing', rules.subjectClaim)
  if (typeof subject !== 'string' || subject === '') return bad('malformed', rules.subjectClaim)

  return {
    issuer,
    subject,
    tenant: rules.tenantClaim === undefined ? undefined : textOf(payload, rules.tenantClaim),
    tier: rules.tierClaim === undefined ? undefined : textOf(payload, rules.tierClaim),
    scopes: scopesOf(own(payload, rules.scopeClaim), rules.scopeForm),
    roles: rules.roleClaim === undefined ? [] : rolesOf(payload, rules.roleClaim),
    tokenId: textOf(payload, 'jti'),
    ...span,
  }
}

function bad(reason: Rejected['reason'], at: string): Rejected {
  return rejected(reason, { at, genuine: true })
}

function checkAudience(payload: JsonObject, rules: ClaimRules): Rejected | undefined {
  const { audiences: expected, audienceClaim: at } = rules
  const value = own(payload, at)
  if (value === undefined) return bad('claim-missing', at)
  const received: readonly unknown[] = at === 'aud' && Array.isArray(value) ? value : [value]
  if (!received.every((entry) => typeof entry === 'string')) return bad('malformed', at)
  if (received.some((entry) => expected.includes(entry))) return undefined
  return rejected('wrong-audience', { at, genuine: true, expected, received })
}

function checkRequired(payload: JsonObject, { requiredClaims }: ClaimRules): Rejected | undefined {
  for (const name of requiredClaims) {
    const value = own(payload, name)
    if (value === undefined || value === null || value === '') return bad('claim-missing', name)
  }
  return undefined
}

/** Absent, or a text: a claim of another type fails the token, it is never coerced. */
function checkOptionalTexts(
  payload: JsonObject,
  { tenantClaim, tierClaim }: ClaimRules,
): Rejected | undefined {
  for (const name of ['jti', 'client_id', tenantClaim, tierClaim]) {
    if (name === undefined || !Object.hasOwn(payload, name)) continue
    if (typeof payload[name] !== 'string' || payload[name] === '') return bad('malformed', name)
  }
  return undefined
}

type Span = Pick<TokenClaims, 'from' | 'until' | 'issuedAt' | 'expiresAt'>

function checkTimes(payload: JsonObject, rules: ClaimRules, now: number): Span | Rejected {
  const { tolerance, maxLifetime } = rules
  const [exp, nbf, iat] = ['exp', 'nbf', 'iat'].map((name) => own(payload, name))
  if (exp === undefined) return bad('claim-missing', 'exp')
  for (const [name, time] of Object.entries({ exp, nbf, iat })) {
    // JSON reads 1e999 as Infinity: such a token would never end.
    if (time !== undefined && !isFiniteNumber(time)) return bad('malformed', name)
  }
  if (iat === undefined && maxLifetime !== undefined) return bad('claim-missing', 'iat')

  const issued = Number(iat ?? Number.NEGATIVE_INFINITY) * 1_000
  const expiresAt = Math.min(Number(exp) * 1_000, maxLifetime === undefined ? Infinity : issued + maxLifetime)
  const until = expiresAt + tolerance
  const notBefore = Number(nbf ?? Number.NEGATIVE_INFINITY) * 1_000 - tolerance
  const issuedFrom = rules.issuedAt === 'ignore' ? Number.NEGATIVE_INFINITY : issued - tolerance
  if (now >= until) return bad('expired', 'exp')
  if (now < notBefore) return bad('not-yet-valid', 'nbf')
  if (now < issuedFrom) return bad('issued-in-future', 'iat')
  const issuedAt = iat === undefined ? undefined : issued
  return { from: Math.max(notBefore, issuedFrom), until, issuedAt, expiresAt }
}
