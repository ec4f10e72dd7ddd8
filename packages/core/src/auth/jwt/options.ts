import type { Clock } from '../../clock.js'
import type { Duration } from '../../duration.js'
import type { PublicKeyAlgorithm } from './algorithms.js'
import type { JsonWebKeySet, PublicKey } from './key-source.js'
import type { IsRevoked } from '../revocation.js'
import type { RemoteJwks } from './remote-jwks.js'

/** Settings of `jwt`. Exactly one of `jwks`, `keys` and `secret`. */
export interface JwtOptions {
  /** The exact `iss` of accepted tokens; several only if they share the keys. Nothing is normalised. Required. */
  readonly issuer: string | readonly string[]
  /** What a token's `aud` must name: this service. One of several is enough. Required. */
  readonly audience: string | readonly string[]
  /**
   * The issuer's keys: the URL of its key set, a {@link remoteJwks}, or the set itself. One of `jwks`, `keys` and
   * `secret` is required.
   */
  readonly jwks?: string | RemoteJwks | JsonWebKeySet
  /** Public keys from the configuration. One of the three. */
  readonly keys?: readonly PublicKey[]
  /** A secret shared with the issuer, at least 32 random bytes; text counts as UTF-8. The algorithm is then HS256. One of the three. */
  readonly secret?: string | Uint8Array
  /** Accepted signature algorithms. Default RS256, PS256, ES256, EdDSA. Not with `secret`. */
  readonly algorithms?: readonly PublicKeyAlgorithm[]
  /**
   * Accepted `typ`; without case, `application/` left out; `absent` for tokens without one. Default `at+jwt`. With
   * others, `requiredClaims` must name a claim that ID tokens of this issuer lack.
   */
  readonly types?: readonly string[]
  /** `optional`: a token without `kid` is verified if exactly one key fits its algorithm. Default `required`. */
  readonly kid?: 'required' | 'optional'
  /** `client_id` for issuers that send no `aud`. Default `aud`. */
  readonly audienceClaim?: 'aud' | 'client_id'
  /** The claim that names the subject. Default `sub`. */
  readonly subjectClaim?: string
  /** The claim that names the tenant. Default: none. */
  readonly tenantClaim?: string
  /** The claim that names the tier, for limits that depend on it: `plan`. Default: none. */
  readonly tierClaim?: string
  /** Where scopes stand, and as one text or as a list. Default `scope` as a text. */
  readonly scopes?: { readonly claim: string; readonly form: 'string' | 'array' }
  /**
   * Where roles stand: a claim with a list of texts, or the path to one: `['realm_access', 'roles']`. A claim of another
   * form grants nothing. Default: no roles are read.
   */
  readonly roles?: { readonly claim: string | readonly string[] }
  /** Claims that must be there beside `iss`, `aud`, `exp` and the subject. Default: none. */
  readonly requiredClaims?: readonly string[]
  /** `rfc9068-full` demands all seven claims of RFC 9068: also `client_id`, `iat`, `jti`. Default `rfc9068`. */
  readonly profile?: 'rfc9068' | 'rfc9068-full'
  /** `ignore`: `iat` may lie in the future. Default `check`. */
  readonly iat?: 'check' | 'ignore'
  /** How far clocks may differ; at most 5 minutes. Default `'30s'`. */
  readonly clockTolerance?: Duration
  /** Counted from `iat`, which is then required: a tighter end than `exp`. Default: `exp` alone. */
  readonly maxLifetime?: Duration
  /** The longest token, in bytes. Default 8192. */
  readonly maxTokenBytes?: number
  /** Whether a good token is revoked. Asked on every request, so it must answer from memory. Default: none is. */
  readonly isRevoked?: IsRevoked
  /** Good tokens are remembered so long (at most till they end) and so many; `'off'` never. Default 5 minutes, 10,000. */
  readonly cache?: { readonly ttl?: Duration; readonly maxEntries?: number } | 'off'
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The defaults of {@link JwtOptions}. */
export const JWT_DEFAULTS = {
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  types: ['at+jwt'],
  kid: 'required',
  audienceClaim: 'aud',
  subjectClaim: 'sub',
  scopes: { claim: 'scope', form: 'string' },
  requiredClaims: [],
  profile: 'rfc9068',
  iat: 'check',
  clockTolerance: '30s',
  maxTokenBytes: 8_192,
  cache: { ttl: '5m', maxEntries: 10_000 },
} as const satisfies Partial<JwtOptions>
