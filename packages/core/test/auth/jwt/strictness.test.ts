import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  ask,
  AUDIENCE,
  createSigner,
  goodClaims,
  ISSUER,
  resultOf,
  sign,
  type Signer,
  signText,
  START,
  verifier,
} from './tokens.js'

let signer: Signer
let other: Signer
beforeAll(async () => {
  signer = await createSigner()
  other = await createSigner('ES256', 'key-1')
})

describe('any single change of a required part makes a good token bad', () => {
  const notText = fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.array(fc.integer()), fc.object())
  const notNumber = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.string(),
    fc.array(fc.integer()),
    fc.object(),
  )
  const changes: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    iss: fc.oneof(notText, otherThan(ISSUER)),
    aud: fc.oneof(notText, otherThan(AUDIENCE), fc.array(otherThan(AUDIENCE)), fc.constant([AUDIENCE, 7])),
    sub: fc.oneof(notText, fc.constant('')),
    exp: fc.oneof(notNumber, fc.double({ max: START / 1_000 - 30, noNaN: true })),
    nbf: fc.oneof(notNumber, fc.integer({ min: START / 1_000 + 31 })),
    iat: fc.oneof(notNumber, fc.integer({ min: START / 1_000 + 31 })),
    jti: fc.oneof(notText, fc.constant('')),
  }

  for (const [name, change] of Object.entries(changes)) {
    test(`claim ${name}`, async () => {
      const scheme = verifier([signer])
      await fc.assert(
        fc.asyncProperty(change, async (value) => {
          const verdict = await ask(scheme, await sign(signer, { [name]: value }))
          expect(verdict).toMatchObject({ verdict: 'rejected', at: name })
        }),
        { numRuns: 40 },
      )
    })
  }

  for (const name of ['iss', 'aud', 'sub', 'exp']) {
    test(`claim ${name} left out`, async () => {
      expect(await ask(verifier([signer]), await sign(signer, { [name]: undefined }))).toMatchObject({
        reason: 'claim-missing',
        at: name,
      })
    })

    test(`claim ${name} as a member of the prototype`, async () => {
      const { [name]: value, ...rest } = goodClaims()
      const text = `{"__proto__":${JSON.stringify({ [name]: value })},${JSON.stringify(rest).slice(1)}`
      expect(await resultOf(verifier([signer]), await signText(signer, text))).toBe('claim-missing')
    })
  }

  test('header', async () => {
    const scheme = verifier([signer])
    const rows: readonly [Record<string, unknown>, string][] = [
      [{ typ: undefined }, 'wrong-type'],
      [{ typ: 'JWT' }, 'wrong-type'],
      [{ typ: 'absent' }, 'wrong-type'],
      [{ typ: ['at+jwt'] }, 'wrong-type'],
      [{ typ: 'application/application/at+jwt' }, 'wrong-type'],
      [{ kid: undefined }, 'malformed'],
      [{ kid: 1 }, 'malformed'],
      [{ kid: 'k'.repeat(257) }, 'malformed'],
      [{ kid: 'key-2' }, 'unknown-key'],
      [{ kid: '__proto__' }, 'unknown-key'],
    ]
    for (const [change, reason] of rows) {
      expect(await resultOf(scheme, await sign(signer, {}, change))).toBe(reason)
    }
    expect(await resultOf(scheme, await sign(signer, {}, { typ: 'application/AT+JWT' }))).toBe('accepted')
    const untyped = verifier([signer], { types: ['absent'], requiredClaims: ['client_id'] })
    expect(await resultOf(untyped, await sign(signer, {}, { typ: 'absent' }))).toBe('wrong-type')
  })

  test('header, re-signed by hand: algorithms and critical extensions', async () => {
    const token = await sign(signer)
    const [, payload, signature] = token.split('.')
    const scheme = verifier([signer])
    const bad = [
      { alg: 'none' },
      { alg: 'None' },
      { alg: 'HS256' },
      { alg: 'ES384' },
      { alg: ['ES256'] },
      { alg: undefined },
      { alg: 'toString' },
      { crit: [] },
      { crit: null },
      { crit: ['exp'], exp: 1 },
      { b64: true },
    ]
    for (const change of bad) {
      const header = { alg: 'ES256', typ: 'at+jwt', kid: 'key-1', ...change }
      const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
      expect(await resultOf(scheme, `${encoded}.${payload}.${signature}`)).toBe('malformed')
    }
  })

  test('any one character', async () => {
    const token = await sign(signer)
    const scheme = verifier([signer])
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.stringMatching(/^[A-Za-z0-9_.=+/ -]$/),
        async (at, character) => {
          fc.pre(token[at] !== character)
          const changed = token.slice(0, at) + character + token.slice(at + 1)
          expect((await ask(scheme, changed)).verdict).toBe('rejected')
        },
      ),
      { numRuns: 200 },
    )
  })

  test('the key: another one under the same id, in the header, or as a secret', async () => {
    const scheme = verifier([signer])
    expect(await resultOf(scheme, await sign(other))).toBe('bad-signature')
    expect(await resultOf(scheme, await sign(other, {}, { jwk: other.jwk }))).toBe('bad-signature')
    const url = 'https://evil.example/keys'
    expect(await resultOf(scheme, await sign(other, {}, { jku: url, x5u: url, x5c: ['AA'] }))).toBe(
      'bad-signature',
    )
    const secret = Buffer.from(JSON.stringify(signer.jwk))
    const confused = { algorithm: 'HS256', privateKey: secret, jwk: signer.jwk }
    expect(await resultOf(scheme, await sign(confused))).toBe('malformed')
  })

  test('a key of one algorithm does not verify another of the same type', async () => {
    const rsa = await createSigner('RS256')
    const pss = await createSigner('PS256')
    const scheme = verifier([rsa])
    expect(await resultOf(scheme, await sign({ ...pss, jwk: rsa.jwk }))).toBe('unknown-key')
  })

  test('a token bound to a sender', async () => {
    const token = await sign(signer, { cnf: { jkt: 'x' } })
    expect(await resultOf(verifier([signer]), token)).toBe('binding-failed')
  })

  test('a number that never ends', async () => {
    const text = JSON.stringify(goodClaims()).replace(/"exp":\d+/, '"exp":1e999')
    expect(await resultOf(verifier([signer]), await signText(signer, text))).toBe('malformed')
  })

  test('the length', async () => {
    const token = await sign(signer)
    expect(await resultOf(verifier([signer], { maxTokenBytes: token.length }), token)).toBe('accepted')
    expect(await resultOf(verifier([signer], { maxTokenBytes: token.length - 1 }), token)).toBe('malformed')
  })
})

function otherThan(value: string): fc.Arbitrary<string> {
  const similar = fc.constantFrom(value.toUpperCase(), `${value} `, `${value}/`, value.slice(0, -1))
  return fc.oneof(fc.string(), similar).filter((text) => text !== value)
}
