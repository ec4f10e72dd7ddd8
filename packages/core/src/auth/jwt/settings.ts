import { type Clock, systemClock } from '../../clock.js'
import { milliseconds } from '../../duration.js'
import { checkChoice, checkInteger, checkKnown, checkMethods, checkText } from '../../options.js'
import { isPublicKeyAlgorithm, type TokenAlgorithm } from './algorithms.js'
import type { HeaderRules } from './header.js'
import { type KeySource, localKeys, sharedSecret, staticKeys } from './key-source.js'
import { checkTolerance } from '../clock-tolerance.js'
import { checkIsRevoked, type IsRevoked } from '../revocation.js'
import { JWT_DEFAULTS, type JwtOptions } from './options.js'
import type { ClaimRules } from './profile.js'
import { isRemoteJwks, remoteJwks } from './remote-jwks.js'

/** Checked settings of a verifier. Times are milliseconds. */
export interface JwtSettings {
  readonly clock: Clock
  readonly keys: KeySource
  readonly header: HeaderRules
  readonly claims: ClaimRules
  readonly maxTokenBytes: number
  readonly isRevoked: IsRevoked | undefined
  /** Undefined: nothing is remembered. */
  readonly cache: { readonly ttl: number; readonly maxEntries: number } | undefined
}

/** Checks the options of `jwt`. @throws TypeError that names the option. */
export function checkJwtOptions(options: JwtOptions): JwtSettings {
  checkKnown('jwt', options, KNOWN)
  const { clock = systemClock, maxTokenBytes, cache } = { ...JWT_DEFAULTS, ...options }
  checkMethods('jwt: clock', clock, ['now', 'after'])
  const header = headerRules(options)
  const claims = claimRules(options)
  checkTypes(header, claims)
  return {
    clock,
    header,
    claims,
    maxTokenBytes: checkInteger('jwt: maxTokenBytes', maxTokenBytes),
    isRevoked: checkIsRevoked('jwt: isRevoked', options.isRevoked),
    cache: cacheSettings(cache),
    keys: keySource(options, clock), // Last: a remote source starts to fetch.
  }
}

const KNOWN: readonly (keyof JwtOptions)[] = [
  'issuer',
  'audience',
  'jwks',
  'keys',
  'secret',
  'algorithms',
  'types',
  'kid',
  'audienceClaim',
  'subjectClaim',
  'tenantClaim',
  'tierClaim',
  'scopes',
  'roles',
  'requiredClaims',
  'profile',
  'iat',
  'clockTolerance',
  'maxLifetime',
  'maxTokenBytes',
  'isRevoked',
  'cache',
  'clock',
]

/** The claims of RFC 9068 2.2 that are not demanded anyway. */
const RFC9068_CLAIMS = ['sub', 'client_id', 'iat', 'jti'] as const

function headerRules(options: JwtOptions): HeaderRules {
  const { types, kid, secret } = { ...JWT_DEFAULTS, ...options }
  checkChoice('jwt: kid', kid, ['required', 'optional'])
  const names = textList('jwt: types', types).map((type) => type.toLowerCase().replace(/^application\//, ''))
  return { algorithms: algorithmsOf(options), types: names, kid: secret === undefined ? kid : 'ignored' }
}

function algorithmsOf(options: JwtOptions): readonly TokenAlgorithm[] {
  const { algorithms, secret } = { ...JWT_DEFAULTS, ...options }
  if (secret === undefined) {
    const names = textList('jwt: algorithms', algorithms)
    if (names.every(isPublicKeyAlgorithm)) return names
    throw new TypeError('jwt: algorithms must name signature algorithms with public keys, such as ES256')
  }
  if (options.algorithms !== undefined)
    throw new TypeError('jwt: algorithms can not be chosen with secret: it is HS256')
  return ['HS256']
}

function claimRules(options: JwtOptions): ClaimRules {
  const { audienceClaim, subjectClaim, scopes, requiredClaims, profile, iat, clockTolerance } = {
    ...JWT_DEFAULTS,
    ...options,
  }
  checkKnown('jwt: scopes', scopes, ['claim', 'form'])
  checkChoice('jwt: profile', profile, ['rfc9068', 'rfc9068-full'])
  const required = listOfTexts('jwt: requiredClaims', requiredClaims)
  const { tenantClaim, tierClaim } = options
  const tolerance = checkTolerance('jwt: clockTolerance', clockTolerance)
  return {
    issuers: textList('jwt: issuer', options.issuer),
    audiences: textList('jwt: audience', options.audience),
    audienceClaim: checkChoice('jwt: audienceClaim', audienceClaim, ['aud', 'client_id']),
    subjectClaim: checkText('jwt: subjectClaim', subjectClaim),
    tenantClaim: tenantClaim === undefined ? undefined : checkText('jwt: tenantClaim', tenantClaim),
    tierClaim: tierClaim === undefined ? undefined : checkText('jwt: tierClaim', tierClaim),
    scopeClaim: checkText('jwt: scopes.claim', scopes.claim),
    scopeForm: checkChoice('jwt: scopes.form', scopes.form, ['string', 'array']),
    roleClaim: options.roles === undefined ? undefined : roleClaim(options.roles),
    requiredClaims: profile === 'rfc9068-full' ? [...required, ...RFC9068_CLAIMS] : required,
    issuedAt: checkChoice('jwt: iat', iat, ['check', 'ignore']),
    tolerance,
    maxLifetime:
      options.maxLifetime === undefined ? undefined : milliseconds('jwt: maxLifetime', options.maxLifetime),
  }
}

function roleClaim(roles: NonNullable<JwtOptions['roles']>): readonly string[] {
  checkKnown('jwt: roles', roles, ['claim'])
  return textList('jwt: roles.claim', roles.claim)
}

/** Without explicit typing an ID token of the same issuer looks like an access token (RFC 8725 3.12). */
function checkTypes({ types }: HeaderRules, { requiredClaims }: ClaimRules): void {
  if (types.some((type) => type !== 'at+jwt') && requiredClaims.length === 0) {
    throw new TypeError(
      "jwt: types other than 'at+jwt' need requiredClaims with a claim that ID tokens lack, such as 'client_id'",
    )
  }
}

function cacheSettings(cache: NonNullable<JwtOptions['cache']>): JwtSettings['cache'] {
  if (cache === 'off') return undefined
  checkKnown('jwt: cache', cache, ['ttl', 'maxEntries'])
  const { ttl, maxEntries } = { ...JWT_DEFAULTS.cache, ...cache }
  return {
    ttl: milliseconds('jwt: cache.ttl', ttl),
    maxEntries: checkInteger('jwt: cache.maxEntries', maxEntries),
  }
}

function keySource({ jwks, keys, secret }: JwtOptions, clock: Clock): KeySource {
  if ([jwks, keys, secret].filter((given) => given !== undefined).length !== 1) {
    throw new TypeError('jwt: exactly one of jwks, keys and secret is required')
  }
  if (secret !== undefined) return sharedSecret('jwt: secret', secret)
  if (keys !== undefined) return staticKeys('jwt: keys', keys)
  if (typeof jwks === 'string') return remoteJwks(jwks, { clock })
  return isRemoteJwks(jwks) ? jwks : localKeys('jwt: jwks', jwks)
}

function textList(option: string, value: unknown): readonly string[] {
  const list = listOfTexts(option, typeof value === 'string' ? [value] : value)
  if (list.length === 0) throw new TypeError(`${option} must name at least one`)
  return list
}

function listOfTexts(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${option} must be a non-empty string or an array of them`)
  return value.map((text: unknown, index) => checkText(`${option}[${index}]`, text))
}
