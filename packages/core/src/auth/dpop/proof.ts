import { hash } from 'node:crypto'
import { isFiniteNumber, own } from '../claims.js'
import type { PublicKeyAlgorithm } from '../jwt/algorithms.js'
import { type JsonObject, parseCompact } from '../jwt/compact.js'
import { checkHeader, type HeaderRules } from '../jwt/header.js'
import { readMembers, type UsableKey } from '../jwt/key-record.js'
import { type Rejected, rejected } from '../scheme.js'

/** A proof as the client sent it (RFC 9449 4.2): well formed, nothing of it verified. */
export interface Proof {
  readonly compact: string
  readonly algorithm: PublicKeyAlgorithm
  /** The public key in its header, as sent. */
  readonly jwk: unknown
  /** The key's name (RFC 7638), as `cnf.jkt` of a token has it. */
  readonly thumbprint: string
  readonly claims: ProofClaims
}

/** What a proof says. */
export interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** In seconds since the Unix epoch. */
  readonly iat: number
  readonly ath: string
  readonly nonce: string | undefined
}

/** An RSA key of 4096 bits and a long URL have room. */
const LONGEST_PROOF = 8_192

/** Reads the one proof of a request: all that can be told without verifying anything (RFC 9449 4.3, checks 1 to 7). */
export function readProof(
  lines: readonly string[],
  algorithms: readonly PublicKeyAlgorithm[],
): Proof | Rejected {
  const [compact, ...more] = lines
  if (compact === undefined) return badProof('binding-failed', '')
  if (more.length > 0) return badProof('malformed', '')
  const parsed = parseCompact(compact, LONGEST_PROOF)
  if (parsed === undefined) return badProof('malformed', '')

  const rules: HeaderRules = { algorithms, types: ['dpop+jwt'], kid: 'ignored' }
  const header = checkHeader(parsed.header, rules)
  if ('verdict' in header) return badProof(header.reason, header.at)
  const jwk = own(parsed.header, 'jwk')
  const algorithm = header.algorithm as PublicKeyAlgorithm
  const key = readMembers(jwk)
  if (typeof key === 'string' || !key.algorithms.includes(algorithm)) return badProof('malformed', 'jwk')
  const claims = readClaims(parsed.payload)
  if ('verdict' in claims) return claims
  return { compact, algorithm, jwk, thumbprint: thumbprintOf(key), claims }
}

/**
 * A proof is bad.
 *
 * @param at the parameter or claim that failed; `''` for the field itself.
 * @param told what the client may know: given only when it holds the key that its token is bound to.
 */
export function badProof(reason: Rejected['reason'], at: string | undefined, told?: string): Rejected {
  const challenge = { error: 'invalid_dpop_proof', ...(told !== undefined && { error_description: told }) }
  return rejected(reason, { at: at ? `DPoP.${at}` : 'DPoP', genuine: told !== undefined, challenge })
}

function readClaims(payload: JsonObject): ProofClaims | Rejected {
  const [jti, htm, htu, ath] = ['jti', 'htm', 'htu', 'ath'].map((name) => own(payload, name))
  const [iat, nonce] = [own(payload, 'iat'), own(payload, 'nonce')]
  for (const [name, value] of Object.entries({ jti, htm, htu, ath, iat })) {
    if (value === undefined) return badProof('claim-missing', name)
  }
  if (!isText(jti)) return badProof('malformed', 'jti')
  if (!isText(htm)) return badProof('malformed', 'htm')
  if (!isText(htu)) return badProof('malformed', 'htu')
  if (!isText(ath)) return badProof('malformed', 'ath')
  if (!isFiniteNumber(iat)) return badProof('malformed', 'iat')
  if (nonce !== undefined && !isText(nonce)) return badProof('malformed', 'nonce')
  return { jti, htm, htu, iat, ath, nonce }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** RFC 7638 3: the members that make the key, in the order of their names. */
function thumbprintOf({ material }: UsableKey): string {
  return hash('sha256', JSON.stringify(material, Object.keys(material).toSorted()), 'base64url')
}
