import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { jwt } from '../../../src/auth/jwt/jwt.js'
import type { JwtOptions } from '../../../src/auth/jwt/options.js'
import type { Scheme, Verdict } from '../../../src/auth/scheme.js'
import type { TokenScheme } from '../../../src/auth/token-scheme.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

/** A signing key and what its issuer publishes of it. */
export interface Signer {
  readonly algorithm: string
  readonly privateKey: CryptoKey | Uint8Array
  readonly jwk: JWK
}

export const ISSUER = 'https://idp.example/'
export const AUDIENCE = 'https://api.example'
export const START = Date.UTC(2026, 0, 1)

/** Makes a key pair. */
export async function createSigner(algorithm = 'ES256', kid: string | undefined = 'key-1'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg: algorithm, ...(kid !== undefined && { kid }) }
  return { algorithm, privateKey, jwk }
}

/** The claims of a good token at {@link START}. */
export function goodClaims(): Record<string, unknown> {
  const now = START / 1_000
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'ann',
    exp: now + 600,
    nbf: now,
    iat: now,
    jti: 'token-1',
    client_id: 'app',
    scope: 'items:read items:write',
  }
}

/** The header of a good token. */
export function goodHeader({ algorithm, jwk }: Signer): Record<string, unknown> {
  return { alg: algorithm, typ: 'at+jwt', ...(jwk.kid !== undefined && { kid: jwk.kid }) }
}

/** Signs whatever it is given: claims and header that `undefined` replaces are left out. */
export async function sign(
  signer: Signer,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return signText(signer, JSON.stringify({ ...goodClaims(), ...claims }), header)
}

/** Signs a payload that is given as text. */
export async function signText(
  signer: Signer,
  payload: string,
  header: Record<string, unknown> = {},
): Promise<string> {
  const full = JSON.parse(JSON.stringify({ ...goodHeader(signer), ...header })) as { alg: string }
  return new CompactSign(Buffer.from(payload)).setProtectedHeader(full).sign(signer.privateKey)
}

/** A verifier of tokens that `signers` made, on a clock that stands at {@link START}. */
export function verifier(signers: readonly Signer[], options: Partial<JwtOptions> = {}): TokenScheme {
  return jwt({
    issuer: ISSUER,
    audience: AUDIENCE,
    clock: new ManualClock(START),
    ...('secret' in options || 'keys' in options ? {} : { jwks: { keys: signers.map(({ jwk }) => jwk) } }),
    ...options,
  })
}

/** Asks a scheme. */
export async function ask(scheme: Scheme, token: string): Promise<Verdict> {
  return scheme.verify(token, literalExchange())
}

/** `accepted`, `undecided`, or the reason of a rejection. */
export async function resultOf(scheme: Scheme, token: string): Promise<string> {
  const verdict = await ask(scheme, token)
  return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
}

/** Lets time pass in small steps, so that a fetch that becomes due ends long before its own deadline. */
export async function pass(clock: ManualClock, duration: number): Promise<void> {
  const end = clock.now() + duration
  while (clock.now() < end) {
    await clock.advance(Math.min(1_000, end - clock.now()))
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
