import { beforeAll, describe, expect, jest, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { FoundKey } from '../../../src/auth/jwt/key-source.js'
import { remoteJwks } from '../../../src/auth/jwt/remote-jwks.js'
import { createTokenCache, tokenDigest } from '../../../src/auth/jwt/token-cache.js'
import { accepted } from '../../../src/auth/scheme.js'
import { ANONYMOUS, type Identity } from '../../../src/auth/identity.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { ask, createSigner, pass, resultOf, sign, type Signer, START, verifier } from './tokens.js'

let signer: Signer
let next: Signer
beforeAll(async () => {
  signer = await createSigner('ES256', 'key-1')
  next = await createSigner('ES256', 'key-2')
})

describe('a remembered token', () => {
  test('gives the same identity without another verification', async () => {
    const verify = jest.spyOn(crypto.subtle, 'verify')
    try {
      const scheme = verifier([signer])
      const token = await sign(signer)
      const [first, second] = [await ask(scheme, token), await ask(scheme, token)]
      expect(second).toBe(first)
      expect(verify).toHaveBeenCalledTimes(1)
      await Promise.all([1, 2, 3].map(() => ask(verifier([signer], { cache: 'off' }), token)))
      expect(verify).toHaveBeenCalledTimes(4)
    } finally {
      verify.mockRestore()
    }
  })

  test('is verified once for requests that bring it at the same time', async () => {
    const verify = jest.spyOn(crypto.subtle, 'verify')
    try {
      const scheme = verifier([signer])
      const token = await sign(signer)
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => ask(scheme, token)))
      expect(new Set(verdicts).size).toBe(1)
      expect(verify).toHaveBeenCalledTimes(1)
    } finally {
      verify.mockRestore()
    }
  })

  test('has at most 4 KiB; a longer one is good, and verified each time', async () => {
    const verify = jest.spyOn(crypto.subtle, 'verify')
    try {
      const scheme = verifier([signer])
      const [short, long] = [
        await sign(signer, { note: 'a'.repeat(2_500) }),
        await sign(signer, { note: 'a'.repeat(3_000) }),
      ]
      expect([short.length <= 4_096, long.length > 4_096]).toEqual([true, true])
      for (const [token, verifications] of [
        [short, 1],
        [long, 2],
      ] as const) {
        verify.mockClear()
        expect([await resultOf(scheme, token), await resultOf(scheme, token)]).toEqual([
          'accepted',
          'accepted',
        ])
        expect(verify).toHaveBeenCalledTimes(verifications)
      }
    } finally {
      verify.mockRestore()
    }
  })

  test('ends with the token, to the millisecond', async () => {
    const clock = new ManualClock(START)
    const scheme = verifier([signer], { clock, clockTolerance: '1s', cache: { ttl: '1h' } })
    const token = await sign(signer, { exp: START / 1_000 + 10 })
    expect(await resultOf(scheme, token)).toBe('accepted')
    await clock.advance(10_999)
    expect(await resultOf(scheme, token)).toBe('accepted')
    await clock.advance(1)
    expect(await resultOf(scheme, token)).toBe('expired')
  })

  test('is not good before its time, though it was at a time when the clock was ahead', async () => {
    const clock = new ManualClock(START)
    const scheme = verifier([signer], { clock })
    const token = await sign(signer)
    expect(await resultOf(scheme, token)).toBe('accepted')
    clock.step(START - 31_000)
    expect(await resultOf(scheme, token)).toBe('not-yet-valid')
  })

  test('is asked for its revocation each time', async () => {
    const revoked = new Set<string | undefined>()
    const isRevoked = ({ credentialId }: Identity): boolean => revoked.has(credentialId)
    const scheme = verifier([signer], { isRevoked })
    const token = await sign(signer)
    expect(await resultOf(scheme, token)).toBe('accepted')
    revoked.add('token-1')
    expect(await resultOf(scheme, token)).toBe('revoked')
    revoked.clear()
    expect(await resultOf(scheme, token)).toBe('accepted')
  })

  test('is not let in by a revocation check that answers later', async () => {
    const scheme = verifier([signer], { isRevoked: (async () => false) as never })
    const token = await sign(signer)
    await expect(ask(scheme, token)).rejects.toThrow(/isRevoked/)
  })

  test('does not survive its key', async () => {
    const clock = new ManualClock(START)
    let published = [signer.jwk, next.jwk]
    const jwks = remoteJwks('https://idp.example/keys', {
      clock,
      fetch: async () => Response.json({ keys: published }),
    })
    const scheme = verifier([], { jwks, clock, cache: { ttl: '1h' } })
    const [old, fresh] = [await sign(signer, { exp: 9e9 }), await sign(next, { exp: 9e9 })]
    expect(await resultOf(scheme, old)).toBe('accepted')
    expect(await resultOf(scheme, fresh)).toBe('accepted')
    published = [next.jwk]
    await pass(clock, 600_000)
    expect(await resultOf(scheme, old)).toBe('unknown-key')
    expect(await resultOf(scheme, fresh)).toBe('accepted')
    jwks.close()
  })

  test('is not taken on its word when the keys are away for too long', async () => {
    const clock = new ManualClock(START)
    let up = true
    const jwks = remoteJwks('https://idp.example/keys', {
      clock,
      fetch: async () => (up ? Response.json({ keys: [signer.jwk] }) : new Response('', { status: 500 })),
    })
    const scheme = verifier([], { jwks, clock, cache: { ttl: '12h' } })
    const token = await sign(signer, { exp: 9e9 })
    expect(await resultOf(scheme, token)).toBe('accepted')
    up = false
    await pass(clock, 69 * 60_000)
    expect(await resultOf(scheme, token)).toBe('accepted')
    await pass(clock, 2 * 60_000)
    expect(await resultOf(scheme, token)).toBe('undecided')
    up = true
    await pass(clock, 31_000)
    expect(await resultOf(scheme, token)).toBe('accepted')
    jwks.close()
  })

  test('belongs to one verifier', async () => {
    const token = await sign(signer)
    expect(await resultOf(verifier([signer]), token)).toBe('accepted')
    expect(await resultOf(verifier([signer], { audience: 'https://other.example' }), token)).toBe(
      'wrong-audience',
    )
  })
})

describe('with and without a cache', () => {
  test('every schedule of tokens, time and revocation is decided alike', async () => {
    const now = START / 1_000
    const tokens = await Promise.all([
      sign(signer),
      sign(signer, { exp: now + 20, jti: 'short' }),
      sign(signer, { nbf: now + 60, iat: now + 60, jti: 'later' }),
      sign(next, { jti: 'foreign' }),
    ])
    const step = fc.oneof(
      fc.record({ ask: fc.nat(tokens.length - 1) }),
      fc.record({ wait: fc.integer({ min: 1, max: 40_000 }) }),
      fc.record({ revoke: fc.constantFrom('token-1', 'short') }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const clock = new ManualClock(START)
        const revoked = new Set<string | undefined>()
        const isRevoked = ({ credentialId }: Identity): boolean => revoked.has(credentialId)
        const cached = verifier([signer], { clock, isRevoked, cache: { maxEntries: 2 } })
        const plain = verifier([signer], { clock, isRevoked, cache: 'off' })
        for (const action of steps) {
          if ('wait' in action) await clock.advance(action.wait)
          else if ('revoke' in action) revoked.add(action.revoke)
          else {
            const token = tokens[action.ask] ?? ''
            expect(await resultOf(cached, token)).toBe(await resultOf(plain, token))
          }
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('createTokenCache', () => {
  const record = { key: undefined, retired: false } as unknown as Exclude<FoundKey, string>
  const entry = { verdict: accepted(ANONYMOUS), record: record as never, from: 0, until: 10 }

  test('holds no more than it may', () => {
    const cache = createTokenCache(2)
    for (const digest of ['a', 'b', 'c']) cache.set(digest, entry)
    expect(['a', 'b', 'c'].map((digest) => cache.get(digest, 1) !== undefined)).toEqual([false, true, true])
  })

  test('names tokens by a digest', () => {
    expect(tokenDigest('secret-token')).toMatch(/^[A-Za-z0-9+/]{43}=$/)
  })
})
