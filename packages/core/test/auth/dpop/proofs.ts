import {
  calculateJwkThumbprint,
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
} from 'jose'
import { createHash } from 'node:crypto'
import { dpop } from '../../../src/auth/dpop/dpop.js'
import type { DpopOptions } from '../../../src/auth/dpop/options.js'
import type { Scheme, Verdict } from '../../../src/auth/scheme.js'
import { memoryReplayStore } from '../../../src/stores/memory/replay.js'
import { type ExchangeInit, literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { createSigner, sign, type Signer, START, verifier } from '../jwt/tokens.js'

/** A client with a key of its own. */
export interface Client {
  readonly algorithm: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
  /** What a token that is bound to it says. */
  readonly cnf: { readonly jkt: string }
}

export async function createClient(algorithm = 'ES256', options: object = {}): Promise<Client> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true, ...options })
  const jwk = await exportJWK(publicKey)
  return { algorithm, privateKey, jwk, cnf: { jkt: await calculateJwkThumbprint(jwk) } }
}

export function athOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

let count = 0

/** The claims of a good proof for `GET https://api.example/items/42` at {@link START}. */
export function goodProof(token: string): Record<string, unknown> {
  count += 1
  return {
    jti: `proof-${count}`,
    htm: 'GET',
    htu: 'https://api.example/items/42',
    iat: START / 1_000,
    ath: athOf(token),
  }
}

/** Signs whatever it is given: members that `undefined` replaces are left out. */
export async function prove(
  client: Client,
  token: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const full = { alg: client.algorithm, typ: 'dpop+jwt', jwk: client.jwk, ...header }
  return new CompactSign(Buffer.from(JSON.stringify({ ...goodProof(token), ...claims })))
    .setProtectedHeader(JSON.parse(JSON.stringify(full)) as { alg: string })
    .sign(client.privateKey)
}

/** An issuer, a client of it with a bound token, and the scheme that knows both, at {@link START}. */
export interface Setting {
  readonly clock: ManualClock
  readonly signer: Signer
  readonly client: Client
  readonly token: string
  readonly tokens: ReturnType<typeof verifier>
  readonly scheme: Scheme
}

export async function setting(options: Partial<DpopOptions> = {}, algorithm = 'ES256'): Promise<Setting> {
  const clock = new ManualClock(START)
  const signer = await createSigner()
  const client = await createClient(algorithm)
  const token = await sign(signer, { cnf: client.cnf })
  const tokens = verifier([signer], { clock })
  const scheme = dpop({
    token: tokens,
    replay: memoryReplayStore({ clock }),
    origin: 'https://api.example',
    clock,
    ...options,
  })
  return { clock, signer, client, token, tokens, scheme }
}

/** Asks a scheme about a token and the lines of `DPoP` beside it. */
export async function present(
  scheme: Scheme,
  token: string,
  proofs: string | readonly string[],
  init: ExchangeInit = {},
): Promise<Verdict> {
  return scheme.verify(token, literalExchange({ ...init, headers: { dpop: proofs } }))
}

/** `accepted`, `undecided`, or the reason of a rejection and where it lies. */
export function said(verdict: Verdict): string {
  if (verdict.verdict !== 'rejected') return verdict.verdict
  return [verdict.reason, verdict.at].filter((part) => part !== undefined).join(' ')
}
