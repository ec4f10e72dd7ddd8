import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createSigner, resultOf, sign, type Signer, verifier } from './tokens.js'

let signer: Signer
beforeAll(async () => {
  signer = await createSigner()
})

describe('a shared secret', () => {
  const secret = 'thirty-two bytes of secret, or more'
  const shared: Signer = { algorithm: 'HS256', privateKey: Buffer.from(secret), jwk: { kty: 'oct' } }

  test('verifies HS256 and nothing else', async () => {
    const scheme = verifier([], { secret })
    expect(await resultOf(scheme, await sign(shared))).toBe('accepted')
    expect(await resultOf(scheme, await sign(shared, {}, { kid: 'any' }))).toBe('accepted')
    expect(await resultOf(scheme, await sign({ ...shared, privateKey: Buffer.alloc(32, 1) }))).toBe(
      'bad-signature',
    )
    expect(
      await resultOf(scheme, await sign({ ...shared, algorithm: 'HS384', privateKey: Buffer.alloc(48, 1) })),
    ).toBe('malformed')
    expect(await resultOf(scheme, await sign(signer))).toBe('malformed')
  })

  test('has at least 32 bytes', () => {
    expect(() => verifier([], { secret: 'x'.repeat(31) })).toThrow(/32 bytes/)
    expect(() => verifier([], { secret: new Uint8Array(31) })).toThrow(/32 bytes/)
  })
})

describe('keys from the configuration', () => {
  test('may be PEM or key objects', async () => {
    const key = createPublicKey({ key: signer.jwk as never, format: 'jwk' })
    const pem = key.export({ type: 'spki', format: 'pem' }).toString()
    for (const form of [key, pem]) {
      const scheme = verifier([], { keys: [{ key: form, algorithm: 'ES256', kid: 'key-1' }] })
      expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
    }
    const anonymous = verifier([], { keys: [{ key, algorithm: 'ES256' }], kid: 'optional' })
    expect(await resultOf(anonymous, await sign(signer, {}, { kid: undefined }))).toBe('accepted')
  })

  test('are refused at construction when they are private, weak or of another type', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const wrong: readonly object[] = [
      { key: privateKey, algorithm: 'RS256' },
      { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), algorithm: 'RS256' },
      { key: publicKey, algorithm: 'RS256' },
      { key: 'no key', algorithm: 'RS256' },
      { key: createPublicKey({ key: signer.jwk as never, format: 'jwk' }), algorithm: 'RS256' },
      { key: createPublicKey({ key: signer.jwk as never, format: 'jwk' }), algorithm: 'HS256' },
    ]
    for (const key of wrong) expect(() => verifier([], { keys: [key as never] })).toThrow(TypeError)
    expect(() => verifier([], { keys: [] })).toThrow(/jwt: keys/)
  })

  test('a local set skips what it can not use, and must hold one usable key', async () => {
    const scheme = verifier([signer], {
      jwks: { keys: [{ kty: 'oct', k: 'AAAA' }, { kty: 'EC' }, signer.jwk] },
    })
    expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
    for (const jwks of [{ keys: [] }, { keys: [{ kty: 'oct', k: 'AAAA' }] }, {}, []]) {
      expect(() => verifier([], { jwks: jwks as never })).toThrow(/jwt: jwks/)
    }
  })
})
