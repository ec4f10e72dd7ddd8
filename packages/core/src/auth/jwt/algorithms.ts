/** What a key must be for an algorithm (RFC 7518 3.1, RFC 8037, RFC 9864). */
const ALGORITHMS = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
} as const satisfies Record<string, { kty: string; crv?: string }>

/** A signature algorithm with a public key. */
export type PublicKeyAlgorithm = keyof typeof ALGORITHMS

/** A signature algorithm of tokens. `HS256` only with a shared secret. */
export type TokenAlgorithm = PublicKeyAlgorithm | 'HS256'

/** Every {@link PublicKeyAlgorithm}. */
export const PUBLIC_KEY_ALGORITHMS = Object.keys(ALGORITHMS) as readonly PublicKeyAlgorithm[]

/** Whether a value names an algorithm with a public key. */
export function isPublicKeyAlgorithm(value: unknown): value is PublicKeyAlgorithm {
  return typeof value === 'string' && Object.hasOwn(ALGORITHMS, value)
}

/** The algorithms a key of this type and curve can be used with. */
export function algorithmsFor(kty: unknown, crv: unknown): readonly PublicKeyAlgorithm[] {
  return Object.keys(ALGORITHMS).filter((name): name is PublicKeyAlgorithm => {
    const needed: { kty: string; crv?: string } = ALGORITHMS[name as PublicKeyAlgorithm]
    return needed.kty === kty && (needed.crv === undefined || needed.crv === crv)
  })
}
