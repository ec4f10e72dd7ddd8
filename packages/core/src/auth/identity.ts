import { keyOf } from '../key.js'
import { checkText } from '../options.js'
import { EPOCH_TIME, isMaybeEpochTime } from './epoch-time.js'

/** Who asks. Immutable; made by {@link createIdentity} only. */
export interface Identity {
  /**
   * How the caller was known: `anonymous`, `jwt`, `introspection`, `api-key`, `basic`, `http-signature`, `webhook`, or a
   * scheme of your own.
   */
  readonly scheme: string
  /** Who vouches for the subject, where the scheme has such: a token's `iss`. */
  readonly issuer: string | undefined
  /** Stable within scheme, issuer and tenant. */
  readonly subject: string
  /** Whom the subject belongs to, as its issuer names it. */
  readonly tenant: string | undefined
  /** Sorted, without repetition. Compared byte by byte. */
  readonly scopes: readonly string[]
  /** As `scopes`; what the caller is, where scopes are what the credential is for. */
  readonly roles: readonly string[]
  /** What the caller pays for or is worth: `gold`. For limits that depend on it. */
  readonly tier: string | undefined
  /** Which credential it was (`jti`, key id), for audit. Never the credential. */
  readonly credentialId: string | undefined
  /** When the credential was issued, in milliseconds since the Unix epoch, as far as it says so. */
  readonly issuedAt: number | undefined
  /** When the credential ends, in milliseconds since the Unix epoch. */
  readonly expiresAt: number | undefined
  /** What the credential says beside that, verified. Not enumerable: it is never written out by accident. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Digest of scheme, issuer, tenant and subject: equal for every credential of one caller. */
  readonly key: string
  /** Digest of the same, the tier, the scopes and the roles: an answer may depend on what the caller may and gets. */
  readonly partition: string
}

/** What a scheme knows about a caller. */
export interface IdentityInit {
  /** The name of the scheme. Required. */
  readonly scheme: string
  /** Stable within scheme, issuer and tenant. Required. */
  readonly subject: string
  /** Who vouches for the subject. Default: nobody. */
  readonly issuer?: string | undefined
  /** Whom the subject belongs to. Default: nobody. */
  readonly tenant?: string | undefined
  /** What the credential is for. Default: none. */
  readonly scopes?: readonly string[]
  /** What the caller is. Default: none. */
  readonly roles?: readonly string[]
  /** What limits may ask for. Default: none. */
  readonly tier?: string | undefined
  /** Which credential it was, never the credential. Default: not said. */
  readonly credentialId?: string | undefined
  /** Milliseconds since the Unix epoch. Default: not said. */
  readonly issuedAt?: number | undefined
  /** Milliseconds since the Unix epoch. Default: it does not end. */
  readonly expiresAt?: number | undefined
  /** What else the credential says, verified. Default: nothing. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/**
 * Makes an identity and freezes it.
 *
 * @throws TypeError that names the member that is wrong: callers whose subject is not known would be one caller, with
 * one budget and each other's answers.
 */
export function createIdentity(init: IdentityInit): Identity {
  checkText('createIdentity: scheme', init.scheme)
  checkText('createIdentity: subject', init.subject)
  for (const member of ['issuer', 'tenant', 'tier', 'credentialId'] as const)
    checkMaybeText(member, init[member])
  for (const member of ['scopes', 'roles'] as const) checkNames(member, init[member])
  checkTimes(init)
  return identityOf(init)
}

function identityOf(init: IdentityInit): Identity {
  const { scheme, subject, issuer, tenant, tier, credentialId, issuedAt, expiresAt } = init
  const scopes = sorted(init.scopes)
  const roles = sorted(init.roles)
  const key = keyOf('identity', scheme, issuer, tenant, subject)
  const partition = keyOf('partition', key, tier, scopes.length, ...scopes, ...roles)
  const caller = { scheme, issuer, subject, tenant, scopes, roles, tier }
  const identity = { ...caller, credentialId, issuedAt, expiresAt, key, partition }
  // Without a prototype: what `Object.prototype` holds is nobody's claim.
  const claims = Object.freeze(Object.assign(Object.create(null), init.claims))
  Object.defineProperty(identity, 'claims', { value: claims, enumerable: false })
  return Object.freeze(identity) as Identity
}

function checkMaybeText(member: string, value: unknown): void {
  if (value === undefined || typeof value === 'string') return
  throw new TypeError(`createIdentity: ${member} must be a string or undefined`)
}

function checkNames(member: string, value: unknown): void {
  if (value === undefined) return
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return
  throw new TypeError(`createIdentity: ${member} must be an array of strings`)
}

/** What a token says of its issue is its issuer's affair. An end that is none would never come. */
function checkTimes({ issuedAt, expiresAt }: IdentityInit): void {
  if (issuedAt !== undefined && !(typeof issuedAt === 'number' && !Number.isNaN(issuedAt))) {
    throw new TypeError(`createIdentity: issuedAt must be ${EPOCH_TIME}`)
  }
  if (expiresAt === Infinity || isMaybeEpochTime(expiresAt)) return
  throw new TypeError(`createIdentity: expiresAt must be ${EPOCH_TIME}`)
}

function sorted(names: readonly string[] | undefined): readonly string[] {
  return Object.freeze([...new Set(names)].toSorted())
}

/** The identity of a caller who sent no credential where none is needed. */
export const ANONYMOUS: Identity = identityOf({ scheme: 'anonymous', subject: '' })

/** Whether nobody is named: the caller sent no credential. */
export function isAnonymous(identity: Identity): boolean {
  return identity.scheme === ANONYMOUS.scheme
}

/** Whether a value is of {@link createIdentity}: it has the digests that budgets, keys and cache entries belong to. */
export function isIdentity(value: unknown): value is Identity {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return false
  const { key, partition } = value as Partial<Identity>
  return typeof key === 'string' && typeof partition === 'string'
}

/** @throws TypeError when a value is neither of {@link createIdentity} nor undefined. */
export function checkIdentity(option: string, value: unknown): Identity | undefined {
  if (value === undefined || isIdentity(value)) return value
  throw new TypeError(`${option} must be an identity of createIdentity(), or undefined`)
}
