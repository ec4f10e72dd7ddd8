import { KeyObject } from 'node:crypto'
import { isMaybeEpochTime } from '../epoch-time.js'
import { fitsAlgorithm, isSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.js'

/** What is kept of a key. Times are milliseconds since the Unix epoch. */
export interface SignatureKey {
  /** The one algorithm the key is for. What a signature says of it changes nothing. */
  readonly algorithm: SignatureAlgorithm
  /**
   * A public key (`createPublicKey`), for `hmac-sha256` a secret of at least 32 bytes (`createSecretKey`). Make it once
   * and keep it: reading PEM takes longer than a verification.
   */
  readonly key: KeyObject
  /** Who signs with it. */
  readonly subject: string
  readonly tenant?: string
  /** Default: none. */
  readonly scopes?: readonly string[]
  /** Default: none. */
  readonly roles?: readonly string[]
  /** What the caller pays for or is worth. Default: none. */
  readonly tier?: string
  /** Not good before. Default: no such time. */
  readonly notBefore?: number
  /** Not good from then on. Default: it does not end. */
  readonly expiresAt?: number
  /** Disabled, whatever time it says. Default: not. */
  readonly disabledAt?: number
}

/** Finds the key that a signature names. */
export type SignatureKeyLookup = (
  keyid: string,
) => SignatureKey | undefined | PromiseLike<SignatureKey | undefined>

/** Whether a lookup's answer is a record as described, with a key that is one for its algorithm. */
export function isSignatureKey(value: unknown): value is SignatureKey {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<SignatureKey>
  const { algorithm, key, subject, tenant, tier, scopes = [], roles = [] } = record
  return (
    isSignatureAlgorithm(algorithm) &&
    key instanceof KeyObject &&
    fitsAlgorithm(key, algorithm) &&
    isText(subject) &&
    [tenant, tier].every((text) => text === undefined || isText(text)) &&
    [scopes, roles].every((names) => Array.isArray(names) && names.every(isText)) &&
    isMaybeEpochTime(record.notBefore) &&
    [record.expiresAt, record.disabledAt].every(isTimeOrAbsent)
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isTimeOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value))
}
