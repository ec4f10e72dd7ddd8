import { deepFreeze, isFiniteNumber, own, rolesOf, scopesOf, textOf } from '../claims.js'
import { createIdentity, type Identity } from '../identity.js'
import type { JsonObject } from '../jwt/compact.js'
import { type Rejected, rejected } from '../scheme.js'

/** What an answer about an active token must say. */
export interface AnswerRules {
  /** Vouches for the subject where no issuer is demanded. */
  readonly endpoint: string
  /** Undefined: the server has checked. */
  readonly audiences: readonly string[] | undefined
  readonly issuer: string | undefined
  readonly subjectClaim: string
  readonly tenantClaim: string | undefined
  readonly tierClaim: string | undefined
  readonly roleClaim: readonly string[] | undefined
  /** Milliseconds. */
  readonly tolerance: number
}

/** Whether a document answers the question at all (RFC 7662 2.2). */
export function isAnswer(document: unknown): document is JsonObject {
  return (
    typeof document === 'object' &&
    document !== null &&
    !Array.isArray(document) &&
    typeof own(document as JsonObject, 'active') === 'boolean'
  )
}

/** Reads an answer. The server says whether a token is active; whether it is good here is decided here. */
export function readAnswer(answer: JsonObject, rules: AnswerRules, now: number): Identity | Rejected {
  if (own(answer, 'active') !== true) return rejected('inactive')
  const failure =
    checkType(answer) ??
    checkIssuer(answer, rules) ??
    checkAudience(answer, rules) ??
    checkTexts(answer, rules)
  if (failure !== undefined) return failure
  const times = checkTimes(answer, rules, now)
  if ('verdict' in times) return times
  const subject = own(answer, rules.subjectClaim)
  if (subject === undefined) return bad('claim-missing', rules.subjectClaim)
  if (typeof subject !== 'string' || subject === '') return bad('malformed', rules.subjectClaim)

  return createIdentity({
    scheme: 'introspection',
    issuer: rules.issuer ?? rules.endpoint,
    subject,
    tenant: rules.tenantClaim === undefined ? undefined : textOf(answer, rules.tenantClaim),
    tier: rules.tierClaim === undefined ? undefined : textOf(answer, rules.tierClaim),
    scopes: scopesOf(own(answer, 'scope'), 'string'),
    roles: rules.roleClaim === undefined ? [] : rolesOf(answer, rules.roleClaim),
    credentialId: textOf(answer, 'jti'),
    ...times,
    claims: deepFreeze(answer),
  })
}

/** The server knows the token: its owner may be told what is wrong with it. */
function bad(reason: Rejected['reason'], at: string): Rejected {
  return rejected(reason, { at, genuine: true })
}

/** No access token that a request can bring, such as a refresh token. One of type DPoP must say what it is bound to. */
function checkType(answer: JsonObject): Rejected | undefined {
  const type = own(answer, 'token_type')
  const types = Object.hasOwn(answer, 'cnf') ? BOUND_TYPES : BEARER_TYPES
  const isOne = type === undefined || (typeof type === 'string' && types.test(type))
  return isOne ? undefined : bad('wrong-type', 'token_type')
}

const BEARER_TYPES = /^(?:bearer|access_token)$/i
const BOUND_TYPES = /^(?:bearer|access_token|dpop)$/i

function checkIssuer(answer: JsonObject, { issuer }: AnswerRules): Rejected | undefined {
  if (issuer === undefined) return undefined
  const received = own(answer, 'iss')
  if (received === undefined) return bad('claim-missing', 'iss')
  if (typeof received !== 'string') return bad('malformed', 'iss')
  if (received === issuer) return undefined
  return rejected('wrong-issuer', { at: 'iss', genuine: true, expected: [issuer], received: [received] })
}

function checkAudience(answer: JsonObject, { audiences }: AnswerRules): Rejected | undefined {
  if (audiences === undefined) return undefined
  const value = own(answer, 'aud')
  if (value === undefined) return bad('claim-missing', 'aud')
  const received: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (!received.every((entry) => typeof entry === 'string')) return bad('malformed', 'aud')
  if (received.some((entry) => audiences.includes(entry))) return undefined
  return rejected('wrong-audience', { at: 'aud', genuine: true, expected: audiences, received })
}

function checkTexts(answer: JsonObject, { tenantClaim, tierClaim }: AnswerRules): Rejected | undefined {
  for (const name of ['jti', 'scope', tenantClaim, tierClaim]) {
    if (name !== undefined && Object.hasOwn(answer, name) && typeof answer[name] !== 'string') {
      return bad('malformed', name)
    }
  }
  return undefined
}

type Times = Pick<Identity, 'issuedAt' | 'expiresAt'>

/** @returns when the token was issued and when it ends, as far as it says so. */
function checkTimes(answer: JsonObject, { tolerance }: AnswerRules, now: number): Times | Rejected {
  for (const name of ['exp', 'nbf', 'iat']) {
    if (Object.hasOwn(answer, name) && !isFiniteNumber(answer[name])) return bad('malformed', name)
  }
  const [exp, nbf, iat] = ['exp', 'nbf', 'iat'].map((name) => own(answer, name) as number | undefined)
  if (exp !== undefined && now >= exp * 1_000 + tolerance) return bad('expired', 'exp')
  if (nbf !== undefined && now < nbf * 1_000 - tolerance) return bad('not-yet-valid', 'nbf')
  if (iat !== undefined && now < iat * 1_000 - tolerance) return bad('issued-in-future', 'iat')
  const [issuedAt, expiresAt] = [iat, exp].map((time) => (time === undefined ? undefined : time * 1_000))
  return { issuedAt, expiresAt }
}
