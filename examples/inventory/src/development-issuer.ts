import { type Clock, type NewId, randomId, systemClock } from '@headgate/core'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'

/** Settings of the development issuer. */
export interface DevelopmentIssuerOptions {
  /** The `iss` of its tokens. */
  readonly issuer: string
  /** The `aud` of its tokens. */
  readonly audience: string
  /** How long a token lives, in seconds. Default 3600. */
  readonly lifetime?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /** Makes token ids. Default: random UUIDs. */
  readonly newId?: NewId
}

/** Whom a token is for. */
export interface TokenRequest {
  readonly sub: string
  /** Scopes, separated by spaces. */
  readonly scope: string
}

/** An issuer of access tokens that gives one to anybody who asks. */
export interface DevelopmentIssuer {
  /** What its tokens are checked by: names and public key. */
  readonly tokens: {
    readonly issuer: string
    readonly audience: string
    readonly jwks: JSONWebKeySet
  }
  /** How long a token lives, in seconds. */
  readonly lifetime: number
  /** Signs an access token (RFC 9068). */
  issue(request: TokenRequest): Promise<string>
}

/**
 * Makes an issuer with a new ES256 key: its tokens die with the process.
 *
 * @throws Error in production, where anybody could be anybody.
 */
export async function developmentIssuer(options: DevelopmentIssuerOptions): Promise<DevelopmentIssuer> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('The development issuer gives tokens to anybody and is not made in production.')
  }
  const { issuer, audience, lifetime = 3600, clock = systemClock, newId = randomId } = options
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)

  return {
    tokens: { issuer, audience, jwks: { keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] } },
    lifetime,
    issue({ sub, scope }) {
      const now = Math.floor(clock.now() / 1000)
      return new SignJWT({ client_id: 'development', scope })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(sub)
        .setJti(newId())
        .setIssuedAt(now)
        .setExpirationTime(now + lifetime)
        .sign(privateKey)
    },
  }
}
