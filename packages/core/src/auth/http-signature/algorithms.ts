import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto'

/** An algorithm of the registry of RFC 9421 6.2. */
export type SignatureAlgorithm =
  'ed25519' | 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384' | 'rsa-pss-sha512' | 'rsa-v1_5-sha256' | 'hmac-sha256'

interface Algorithm {
  /** Whether a key is one for this algorithm, and strong enough. */
  fits(key: KeyObject): boolean
  verify(base: Buffer, key: KeyObject, signature: Buffer): boolean
}

/** Whether a value names an algorithm. */
export function isSignatureAlgorithm(value: unknown): value is SignatureAlgorithm {
  return typeof value === 'string' && Object.hasOwn(ALGORITHMS, value)
}

/** Whether a key is one for this algorithm, and strong enough. */
export function fitsAlgorithm(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  return ALGORITHMS[algorithm].fits(key)
}

/**
 * Whether a signature is right. On this thread: measured, a trip to the pool costs a tenth more processor time and a
 * turn of the loop, and a flood of junk would hold up the file and name look-ups that share the pool.
 */
export function isSignedBy(
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  base: string,
  signature: Buffer,
): boolean {
  return ALGORITHMS[algorithm].verify(Buffer.from(base, 'latin1'), key, signature)
}

/**
 * The part of a signature that nobody can change without the key. Of an ECDSA signature (r, s) anybody can make
 * (r, n - s), which is as good: only r is its name.
 */
export function unchangeablePart(signature: Buffer, algorithm: SignatureAlgorithm): Buffer {
  return algorithm.startsWith('ecdsa-') ? signature.subarray(0, signature.byteLength / 2) : signature
}

const ALGORITHMS: Readonly<Record<SignatureAlgorithm, Algorithm>> = {
  ed25519: {
    fits: (key) => key.type === 'public' && key.asymmetricKeyType === 'ed25519',
    verify: (base, key, signature) => verify(null, base, key, signature),
  },
  'ecdsa-p256-sha256': ecdsa('prime256v1', 'sha256', 64),
  'ecdsa-p384-sha384': ecdsa('secp384r1', 'sha384', 96),
  'rsa-pss-sha512': {
    fits: (key) => isStrongRsa(key, ['rsa', 'rsa-pss']),
    verify(base, key, signature) {
      const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
      return isAsLongAs(key, signature) && verify('sha512', base, { key, ...padding }, signature)
    },
  },
  'rsa-v1_5-sha256': {
    fits: (key) => isStrongRsa(key, ['rsa']),
    verify: (base, key, signature) =>
      verify('sha256', base, { key, padding: constants.RSA_PKCS1_PADDING }, signature),
  },
  'hmac-sha256': {
    fits: (key) => key.type === 'secret' && (key.symmetricKeySize ?? 0) >= 32,
    verify(base, key, signature) {
      const expected = createHmac('sha256', key).update(base).digest()
      return signature.byteLength === expected.byteLength && timingSafeEqual(signature, expected)
    },
  },
}

function ecdsa(curve: string, digest: string, length: number): Algorithm {
  return {
    fits: (key) => key.type === 'public' && key.asymmetricKeyDetails?.namedCurve === curve,
    verify: (base, key, signature) =>
      signature.byteLength === length && verify(digest, base, { key, dsaEncoding: 'ieee-p1363' }, signature),
  }
}

/** RFC 8017 8.1.2, step 1. OpenSSL takes one of PSS also without the zeros it begins with: a second form of it. */
function isAsLongAs({ asymmetricKeyDetails }: KeyObject, signature: Buffer): boolean {
  return signature.byteLength === Math.ceil((asymmetricKeyDetails?.modulusLength ?? 0) / 8)
}

/** At least 2048 bits; with the exponent 1 every message is its own signature. */
function isStrongRsa(key: KeyObject, types: readonly string[]): boolean {
  if (key.type !== 'public' || !types.includes(key.asymmetricKeyType ?? '')) return false
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  return modulusLength >= 2048 && publicExponent >= 3n
}
