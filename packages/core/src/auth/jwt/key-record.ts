import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { importJWK, type CryptoKey } from 'jose'
import { algorithmsFor, type PublicKeyAlgorithm, type TokenAlgorithm } from './algorithms.js'

/** A key for one algorithm. The object is the same as long as the key source keeps the key as it is. */
export interface KeyRecord {
  readonly kid: string | undefined
  readonly algorithm: TokenAlgorithm
  /** Equal for equal keys. */
  readonly fingerprint: string
  readonly key: CryptoKey
  /** The source has removed or changed it: nothing it verified counts any more. */
  retired: boolean
}

/** A key of a set that can be used, not yet imported. */
export interface UsableKey {
  readonly kid: string | undefined
  /** One if the key names one, else all that fit its type. */
  readonly algorithms: readonly PublicKeyAlgorithm[]
  /** The public members alone. */
  readonly material: Readonly<Record<string, string>>
}

/** Why a key of a set is not used. */
export type SkipReason =
  'malformed' | 'not-for-signatures' | 'private' | 'unsupported' | 'too-weak' | 'duplicate'

/** The longest key id that is looked up. */
export const LONGEST_KID = 256

/**
 * Reads one member of a key set. A key that can't be used is skipped, and the rest of the set works (RFC 7517 5).
 */
export function readKey(value: unknown): UsableKey | SkipReason {
  const usable = readMembers(value)
  if (typeof usable === 'string') return usable
  const key = publicKey(usable.material)
  if (key === undefined) return 'malformed'
  return isWeak(key) ? 'too-weak' : usable
}

/** Reads a key's members alone: whether they make a key, and a strong one, only {@link readKey} says. */
export function readMembers(value: unknown): UsableKey | SkipReason {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'malformed'
  const own = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  const [kty, crv, kid, alg, use, operations] = ['kty', 'crv', 'kid', 'alg', 'use', 'key_ops'].map(own)
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(value, name))) return 'private'
  if (use !== undefined && use !== 'sig') return 'not-for-signatures'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'not-for-signatures'
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return 'malformed'

  const fitting = algorithmsFor(kty, crv)
  const algorithms = alg === undefined ? fitting : fitting.filter((name) => name === alg)
  if (algorithms.length === 0) return 'unsupported'
  const material: Record<string, string> = {}
  for (const name of PUBLIC_MEMBERS[kty as keyof typeof PUBLIC_MEMBERS]) {
    const member = own(name)
    if (typeof member !== 'string') return 'malformed'
    material[name] = member
  }
  return { kid, algorithms, material }
}

/** Names a usable key for one algorithm: equal for equal keys. */
export function fingerprintOf({ kid, material }: UsableKey, algorithm: PublicKeyAlgorithm): string {
  return JSON.stringify([kid, algorithm, material])
}

/** Imports a key once; every verification uses the same object. */
export async function importKey(usable: UsableKey, algorithm: PublicKeyAlgorithm): Promise<KeyRecord> {
  const key = (await importJWK({ kty: '', ...usable.material }, algorithm)) as CryptoKey
  return { kid: usable.kid, algorithm, fingerprint: fingerprintOf(usable, algorithm), key, retired: false }
}

const PUBLIC_MEMBERS = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
} as const

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

function publicKey(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** RFC 7518 3.3: at least 2048 bits. With the exponent 1 every message is its own signature. */
function isWeak({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails
  return asymmetricKeyType === 'rsa' && (modulusLength < 2048 || publicExponent < 3n)
}
