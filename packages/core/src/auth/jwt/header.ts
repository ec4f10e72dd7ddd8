import { type Rejected, rejected } from '../scheme.js'
import type { TokenAlgorithm } from './algorithms.js'
import type { JsonObject } from './compact.js'
import { LONGEST_KID } from './key-record.js'

/** What a token's header must be. */
export interface HeaderRules {
  readonly algorithms: readonly TokenAlgorithm[]
  /** Accepted `typ` values in lower case; `absent` for a token without one. */
  readonly types: readonly string[]
  /** `ignored` for a shared secret, which has no id. */
  readonly kid: 'required' | 'optional' | 'ignored'
}

/** The header parameters that are used. No other is ever a source of keys (RFC 8725 3.10). */
export interface TokenHeader {
  readonly algorithm: TokenAlgorithm
  readonly kid: string | undefined
}

/** Checks a header (RFC 8725 3.1, 3.11; RFC 9068 4). */
export function checkHeader(header: JsonObject, rules: HeaderRules): TokenHeader | Rejected {
  // No extension is understood, so none may be critical (RFC 7515 4.1.11), however it is written.
  for (const name of ['crit', 'b64']) {
    if (Object.hasOwn(header, name)) return rejected('malformed', { at: name })
  }
  const algorithm = rules.algorithms.find((name) => Object.hasOwn(header, 'alg') && header['alg'] === name)
  if (algorithm === undefined) return rejected('malformed', { at: 'alg' })
  if (!isAcceptedType(header, rules.types)) return rejected('wrong-type', { at: 'typ' })

  if (rules.kid === 'ignored') return { algorithm, kid: undefined }
  const kid = Object.hasOwn(header, 'kid') ? header['kid'] : undefined
  if (kid === undefined && rules.kid === 'optional') return { algorithm, kid }
  if (typeof kid !== 'string' || kid.length > LONGEST_KID) return rejected('malformed', { at: 'kid' })
  return { algorithm, kid }
}

/** Media types compare without case; `application/` may be left out (RFC 7515 4.1.9). */
function isAcceptedType(header: JsonObject, types: readonly string[]): boolean {
  if (!Object.hasOwn(header, 'typ')) return types.includes('absent')
  const { typ } = header
  if (typeof typ !== 'string') return false
  const name = typ.toLowerCase().replace(/^application\//, '')
  return name !== 'absent' && types.includes(name)
}
