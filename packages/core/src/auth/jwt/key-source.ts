import { createPublicKey, KeyObject, webcrypto } from 'node:crypto'
import { checkChoice } from '../../options.js'
import { PUBLIC_KEY_ALGORITHMS, type PublicKeyAlgorithm, type TokenAlgorithm } from './algorithms.js'
import type { KeyRecord } from './key-record.js'
import { createKeySet, importKeySet, type KeyDocument, type KeySet, readKeySet } from './key-set.js'

/** Where a verifier gets its keys from. */
export interface KeySource {
  /** The key for a token's header; `unknown` is a verdict, {@link KeysAway} is none. */
  find(kid: string | undefined, algorithm: TokenAlgorithm): FoundKey | Promise<FoundKey>
  /** Whether what a key of this source verified before still counts. */
  isCurrent(): boolean
}

/** What a key source answers. */
export type FoundKey = KeyRecord | 'unknown' | KeysAway

/** The keys are away. */
export interface KeysAway {
  /** When to ask again, in milliseconds. */
  readonly retryAfter: number
}

/** A JSON Web Key Set (RFC 7517 5) with public keys. */
export interface JsonWebKeySet {
  readonly keys: readonly object[]
}

/** A public key from the configuration. */
export interface PublicKey {
  /** PEM (`-----BEGIN PUBLIC KEY-----`, a certificate) or a key object. */
  readonly key: string | KeyObject
  /** The one algorithm it is for. */
  readonly algorithm: PublicKeyAlgorithm
  /** The id tokens name it by. Without it the scheme needs `kid: 'optional'`. */
  readonly kid?: string
}

/** Keys of a set that never changes. @throws TypeError when none of them can be used. */
export function localKeys(option: string, document: unknown): KeySource {
  const read = readKeySet(document)
  if (read === undefined) {
    throw new TypeError(`${option} must be a JSON Web Key Set with 1 to 100 keys, one usable at the least`)
  }
  return constantKeys(() => importKeySet(read))
}

/** Public keys from the configuration. @throws TypeError for any that can't be used. */
export function staticKeys(option: string, keys: readonly PublicKey[]): KeySource {
  if (!Array.isArray(keys) || keys.length === 0) {
    throw new TypeError(`${option} must be an array with at least one key`)
  }
  const jwks = keys.map((key: PublicKey, index) => toJwk(`${option}[${index}]`, key))
  const read: KeyDocument | undefined = readKeySet({ keys: jwks })
  if (read === undefined || read.skipped.length > 0) {
    const why = read?.skipped.map(({ reason }) => reason).join(', ')
    throw new TypeError(`${option} holds a key that can not be used (${why ?? 'none can'})`)
  }
  return constantKeys(() => importKeySet(read))
}

/** One secret shared with the issuer, for HS256. @throws TypeError under 32 bytes (RFC 7518 3.2). */
export function sharedSecret(option: string, secret: string | Uint8Array): KeySource {
  const isBytes = secret instanceof Uint8Array
  if (!isBytes && typeof secret !== 'string') throw new TypeError(`${option} must be a string or bytes`)
  const bytes = Buffer.from(secret)
  if (bytes.byteLength < 32) throw new TypeError(`${option} must have at least 32 bytes, random ones`)
  return constantKeys(async () => {
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = await webcrypto.subtle.importKey('raw', bytes, hmac, false, ['verify'])
    return createKeySet([{ kid: undefined, algorithm: 'HS256', fingerprint: 'secret', key, retired: false }])
  })
}

/** Imports once, at construction; the first token may have to wait for it. */
function constantKeys(load: () => Promise<KeySet>): KeySource {
  let ready: KeySet | undefined
  const loading = load().then((set) => (ready = set))
  loading.catch(() => {}) // Every `find` reports it.
  return {
    find: (kid, algorithm) =>
      ready === undefined
        ? loading.then((set) => set.find(kid, algorithm) ?? 'unknown')
        : (ready.find(kid, algorithm) ?? 'unknown'),
    isCurrent: () => true,
  }
}

function toJwk(option: string, { key, algorithm, kid }: PublicKey): object {
  checkChoice(`${option}.algorithm`, algorithm, PUBLIC_KEY_ALGORITHMS)
  if (kid !== undefined && typeof kid !== 'string') throw new TypeError(`${option}.kid must be a string`)
  return {
    ...publicKeyObject(option, key).export({ format: 'jwk' }),
    alg: algorithm,
    ...(kid !== undefined && { kid }),
  }
}

/** A private key has no business here, though its public half could be taken from it. */
function publicKeyObject(option: string, key: string | KeyObject): KeyObject {
  const wrong = `${option}.key must be a public key: PEM, or a KeyObject of type 'public'`
  if (key instanceof KeyObject) {
    if (key.type !== 'public') throw new TypeError(wrong)
    return key
  }
  if (typeof key !== 'string' || key.includes('PRIVATE KEY')) throw new TypeError(wrong)
  try {
    return createPublicKey(key)
  } catch {
    throw new TypeError(wrong) // Without the cause: it may quote the key.
  }
}
