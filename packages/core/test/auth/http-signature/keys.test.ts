import { describe, expect, test } from '@jest/globals'
import { createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto'
import type { SignatureKey } from '../../../src/auth/http-signature/signature-key.js'
import { chain, KEYS, signed, START } from './signing.js'

const KEY: SignatureKey = { algorithm: 'ed25519', key: KEYS.ed25519.verify, subject: 'billing' }

describe('the life of a key', () => {
  test.each<[string, Partial<SignatureKey>, string]>([
    ['disabled', { disabledAt: START + 1 }, 'revoked'],
    ['ended', { expiresAt: START }, 'expired keyid'],
    ['about to end', { expiresAt: START + 1 }, 'accepted'],
    ['not begun', { notBefore: START + 1 }, 'not-yet-valid'],
    ['begun', { notBefore: START }, 'accepted'],
  ])('%s', async (_title, life, expected) => {
    expect(await chain({ lookup: () => ({ ...KEY, ...life }) }).verdict(signed())).toBe(expected)
  })

  test('ends the identity', async () => {
    const { identity } = await chain({ lookup: () => ({ ...KEY, expiresAt: START + 5 }) }).send(signed())
    expect(identity?.expiresAt).toBe(START + 5)
  })
})

describe('a lookup', () => {
  test.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('away')
      },
    ],
    ['gives no record', () => ({}) as never],
    ['gives a private key', () => ({ ...KEY, key: KEYS.ed25519.sign }) as never],
    ['gives a key of another kind', () => ({ ...KEY, key: KEYS['ecdsa-p256-sha256'].verify }) as never],
    [
      'gives a key of another curve',
      () => ({ ...KEY, algorithm: 'ecdsa-p384-sha384', key: KEYS['ecdsa-p256-sha256'].verify }) as never,
    ],
    ['gives text', () => ({ ...KEY, key: 'secret' }) as never],
    [
      'gives a short secret',
      () => ({ ...KEY, algorithm: 'hmac-sha256', key: createSecretKey(Buffer.alloc(31)) }) as never,
    ],
    [
      'gives a short RSA key',
      () =>
        ({
          ...KEY,
          algorithm: 'rsa-pss-sha512',
          key: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
        }) as never,
    ],
    [
      'gives an RSA key whose signatures anybody makes',
      () => ({ ...KEY, algorithm: 'rsa-v1_5-sha256', key: exponentOne() }) as never,
    ],
    ['names an unknown algorithm', () => ({ ...KEY, algorithm: 'none' }) as never],
    ['names nobody', () => ({ ...KEY, subject: '' }) as never],
    ['gives scopes that are none', () => ({ ...KEY, scopes: 'pay' }) as never],
    ['gives a time that is none', () => ({ ...KEY, expiresAt: Number.NaN }) as never],
    ['begins in seconds', () => ({ ...KEY, notBefore: 2_000_000_000 }) as never],
  ])('that %s lets nobody in and calls no signature bad', async (_title, find) => {
    const gate = chain({ lookup: find })
    expect(await gate.verdict(signed())).toBe('auth-unavailable')
    expect(gate.errors).toHaveLength(1)
  })

  test('that hangs is given up', async () => {
    const gate = chain({ lookup: () => new Promise<never>(() => {}) })
    const verdict = gate.verdict(signed())
    await gate.clock.advance(250)
    expect(await verdict).toBe('auth-unavailable')
  })

  test('is not asked about what can not be good', async () => {
    let asked = 0
    const gate = chain({
      lookup: () => {
        asked += 1
        return undefined
      },
    })
    const request = signed()
    await gate.verdict({ ...request, headers: { ...request.headers, 'signature-input': 'sig=(' } })
    await gate.verdict(signed({ components: ['"@method"'] }))
    expect(asked).toBe(0)
    await gate.verdict(request)
    expect(asked).toBe(1)
  })
})

/** RSA with the exponent 1: every message is its own signature. */
function exponentOne(): ReturnType<typeof createPublicKey> {
  const { n } = KEYS['rsa-v1_5-sha256'].verify.export({ format: 'jwk' }) as { n: string }
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQ' }, format: 'jwk' })
}
