import { compactVerify, errors } from 'jose'
import { deepFreeze } from '../claims.js'
import { createIdentity, type Identity } from '../identity.js'
import { unlessRevoked } from '../revocation.js'
import { accepted, rejected, type Rejected, undecided, type Verdict } from '../scheme.js'
import { tokenScheme, type TokenScheme } from '../token-scheme.js'
import { type CompactToken, type JsonObject, parseCompact } from './compact.js'
import { checkHeader } from './header.js'
import type { KeyRecord } from './key-record.js'
import type { JwtOptions } from './options.js'
import { checkClaims, checkIssuer, type TokenClaims } from './profile.js'
import { checkJwtOptions } from './settings.js'
import { createTokenCache, LONGEST_CACHED_TOKEN, tokenDigest, type VerifiedToken } from './token-cache.js'

/**
 * Knows callers by a signed access token (RFC 9068) in `Authorization: Bearer`. Strict; every relaxation is an
 * option. Key, algorithm and kind are fixed by the configuration before a signature is looked at, and nothing in a
 * request names a place that keys come from. A token that is bound to its sender is for `dpop` alone.
 */
export function jwt(options: JwtOptions): TokenScheme {
  const { clock, keys, header: headerRules, claims: claimRules, ...settings } = checkJwtOptions(options)
  const { maxTokenBytes, isRevoked } = settings
  const cache = settings.cache && createTokenCache(settings.cache.maxEntries)
  const verifying = new Map<string, Promise<VerifiedToken | Verdict>>()

  return tokenScheme({
    name: 'jwt',
    claims(token) {
      const parsed = parseCompact(token, maxTokenBytes)
      return parsed !== undefined && typeof checkIssuer(parsed.payload, claimRules) === 'string'
    },
    verifyBound(token) {
      if (cache === undefined || token.length > LONGEST_CACHED_TOKEN) return verifyAnew(token).then(finish)
      const digest = tokenDigest(token)
      const known = keys.isCurrent() ? cache.get(digest, clock.now()) : undefined
      return known === undefined ? verifyShared(token, digest).then(finish) : finish(known)
    },
  })

  /** Requests that bring the same new token at the same time verify it once. */
  function verifyShared(token: string, digest: string): Promise<VerifiedToken | Verdict> {
    let shared = verifying.get(digest)
    if (shared === undefined) {
      shared = verifyAnew(token)
        .then((result) => {
          if ('record' in result) cache?.set(digest, result)
          return result
        })
        .finally(() => verifying.delete(digest))
      verifying.set(digest, shared)
    }
    return shared
  }

  /** Revocation is asked on every request: it is not a matter of the cache. */
  function finish(result: VerifiedToken | Verdict): Verdict {
    return unlessRevoked('record' in result ? result.verdict : result, isRevoked)
  }

  /** Size, form, header, issuer, key, signature, claims: the cheap and the harmless first. */
  async function verifyAnew(token: string): Promise<VerifiedToken | Verdict> {
    const parsed = parseCompact(token, maxTokenBytes)
    if (parsed === undefined) return rejected('malformed')
    const header = checkHeader(parsed.header, headerRules)
    if ('verdict' in header) return header
    const issuer = checkIssuer(parsed.payload, claimRules)
    if (typeof issuer !== 'string') return issuer
    const record = await keys.find(header.kid, header.algorithm)
    if (record === 'unknown') return rejected('unknown-key', { at: 'kid' })
    if (!('key' in record)) return undecided(record.retryAfter)
    if (!(await isSigned(token, record))) return rejected('bad-signature')
    return remember(parsed, record)
  }

  function remember({ payload }: CompactToken, record: KeyRecord): VerifiedToken | Rejected {
    const now = clock.now()
    const claims = checkClaims(payload, claimRules, now)
    if ('verdict' in claims) return claims
    const until = Math.min(claims.until, now + (settings.cache?.ttl ?? 0))
    return { verdict: accepted(identityOf(claims, payload)), record, from: claims.from, until }
  }
}

async function isSigned(token: string, { key, algorithm }: KeyRecord): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}

function identityOf(claims: TokenClaims, payload: JsonObject): Identity {
  const { tokenId: credentialId, issuer, subject, tenant, scopes, roles, tier, issuedAt, expiresAt } = claims
  const caller = { scheme: 'jwt', issuer, subject, tenant, scopes, roles, tier }
  return createIdentity({ ...caller, credentialId, issuedAt, expiresAt, claims: deepFreeze(payload) })
}
