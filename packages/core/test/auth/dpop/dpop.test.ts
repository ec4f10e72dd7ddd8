import { beforeAll, describe, expect, test } from '@jest/globals'
import type { DpopOptions } from '../../../src/auth/dpop/options.js'
import { type ExchangeInit, literalExchange } from '../../../src/testing/exchange.js'
import { createSigner, sign, START } from '../jwt/tokens.js'
import { createClient, present, prove, said, setting, type Setting } from './proofs.js'

/** Making an RSA key takes long, on a machine that has more to do. */
const SLOW = 60_000

let known: Setting
beforeAll(async () => {
  known = await setting()
})

describe('a token with a good proof', () => {
  test('names the caller, who is the same as without one', async () => {
    const { scheme, token, client, signer, tokens } = known
    const verdict = await present(scheme, token, await prove(client, token))
    const plain = await tokens.verify(await sign(signer), literalExchange())
    expect(verdict).toMatchObject({ verdict: 'accepted', identity: { scheme: 'jwt', subject: 'ann' } })
    expect(verdict.verdict === 'accepted' && verdict.identity.key).toBe(
      plain.verdict === 'accepted' && plain.identity.key,
    )
  })

  test.each(['ES256', 'EdDSA', 'RS256', 'PS256', 'ES384', 'ES512', 'Ed25519'] as const)(
    'may be signed with %s if the list has it',
    async (algorithm) => {
      const { scheme, client, token } = await setting({ algorithms: [algorithm] }, algorithm)
      expect(said(await present(scheme, token, await prove(client, token)))).toBe('accepted')
      // The second time by the key that was kept.
      expect(said(await present(scheme, token, await prove(client, token)))).toBe('accepted')
      const other = await setting({ algorithms: [algorithm === 'ES256' ? 'EdDSA' : 'ES256'] })
      expect(said(await present(other.scheme, token, await prove(client, token)))).toBe('malformed DPoP.alg')
    },
    SLOW,
  )

  test.each<[string, ExchangeInit, Record<string, unknown>]>([
    ['another spelling of the type', {}, {}],
    ['a query, which is not compared', { query: 'a=1' }, { htu: 'https://api.example/items/42?b=2#c' }],
    ['another method', { method: 'DELETE' }, { htm: 'DELETE' }],
    ['more claims', {}, { nonce: 'of somebody else', extra: 1 }],
  ])('may have %s', async (_name, init, claims) => {
    const { scheme, token, client } = known
    const proof = await prove(client, token, claims, { typ: 'application/DPoP+jwt' })
    expect(said(await present(scheme, token, proof, init))).toBe('accepted')
  })
})

describe('a proof is bad', () => {
  const cases: Record<string, [Record<string, unknown>, Record<string, unknown>, string]> = {
    'of another type': [{}, { typ: 'jwt' }, 'wrong-type DPoP.typ'],
    'without a type': [{}, { typ: undefined }, 'wrong-type DPoP.typ'],
    'with a critical extension': [{}, { b64: true, crit: ['b64'] }, 'malformed DPoP.crit'],
    'without a key': [{}, { jwk: undefined }, 'malformed DPoP.jwk'],
    'with a key that is none': [{}, { jwk: 'key' }, 'malformed DPoP.jwk'],
    'with a key for encryption': [{}, {}, 'malformed DPoP.jwk'],
    'with a private key': [{}, {}, 'malformed DPoP.jwk'],
    'for another method': [{ htm: 'POST' }, {}, 'binding-failed DPoP.htm'],
    'for a method in lower case': [{ htm: 'get' }, {}, 'binding-failed DPoP.htm'],
    'for another path': [{ htu: 'https://api.example/items/43' }, {}, 'binding-failed DPoP.htu'],
    'for another host': [{ htu: 'https://evil.example/items/42' }, {}, 'binding-failed DPoP.htu'],
    'for another scheme': [{ htu: 'http://api.example/items/42' }, {}, 'binding-failed DPoP.htu'],
    'for another port': [{ htu: 'https://api.example:8443/items/42' }, {}, 'binding-failed DPoP.htu'],
    'for another token': [{ ath: 'x'.repeat(43) }, {}, 'binding-failed DPoP.ath'],
    'without an id': [{ jti: undefined }, {}, 'claim-missing DPoP.jti'],
    'with an empty id': [{ jti: '' }, {}, 'malformed DPoP.jti'],
    'with a number as id': [{ jti: 5 }, {}, 'malformed DPoP.jti'],
    'without a method': [{ htm: undefined }, {}, 'claim-missing DPoP.htm'],
    'without a URL': [{ htu: undefined }, {}, 'claim-missing DPoP.htu'],
    'without the digest of its token': [{ ath: undefined }, {}, 'claim-missing DPoP.ath'],
    'without a time': [{ iat: undefined }, {}, 'claim-missing DPoP.iat'],
    'with a text as time': [{ iat: '1' }, {}, 'malformed DPoP.iat'],
    'that is too old': [{ iat: START / 1_000 - 90 }, {}, 'expired DPoP.iat'],
    'that is dated ahead': [{ iat: START / 1_000 + 31 }, {}, 'issued-in-future DPoP.iat'],
  }
  test.each(Object.entries(cases))('%s', async (name, [claims, header, expected]) => {
    const { scheme, token, client } = known
    const jwk = name.includes('encryption')
      ? { ...client.jwk, use: 'enc' }
      : name.includes('private')
        ? { ...client.jwk, d: 'secret' }
        : client.jwk
    const proof = await prove(client, token, claims, { jwk, ...header })
    expect(said(await present(scheme, token, proof))).toBe(expected)
  })

  test('up to the last moment it is good, and from the next on it is not', async () => {
    const { scheme, token, client } = known
    const now = START / 1_000
    for (const [iat, expected] of [
      [now - 89.999, 'accepted'],
      [now - 90, 'expired DPoP.iat'],
      [now + 30, 'accepted'],
      [now + 30.001, 'issued-in-future DPoP.iat'],
    ] as const) {
      expect(said(await present(scheme, token, await prove(client, token, { iat })))).toBe(expected)
    }
  })

  test('that says it never ends', async () => {
    const { scheme, token, client } = known
    const proof = await prove(client, token)
    const [header = '', claims = '', signature = ''] = proof.split('.')
    const text = Buffer.from(claims, 'base64url')
      .toString()
      .replace(/"iat":\d+/, '"iat":1e999')
    const forged = [header, Buffer.from(text).toString('base64url'), signature].join('.')
    expect(said(await present(scheme, token, forged))).toBe('malformed DPoP.iat')
  })

  test('signed by another key than it shows', async () => {
    const { scheme, token, client } = known
    const other = await createClient()
    const proof = await prove({ ...other, jwk: client.jwk }, token)
    expect(said(await present(scheme, token, proof))).toBe('bad-signature DPoP')
  })

  test('not signed, or with a secret', async () => {
    const { scheme, token, client } = known
    const proof = await prove(client, token)
    const payload = proof.split('.')[1] ?? ''
    for (const alg of ['none', 'HS256']) {
      const header = { alg, typ: 'dpop+jwt', jwk: client.jwk }
      const forged = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.AA`
      expect(said(await present(scheme, token, forged))).toBe('malformed DPoP.alg')
    }
  })

  test('by an algorithm that its key is not for', async () => {
    const { scheme, token, client } = known
    const [, payload, signature] = (await prove(client, token)).split('.')
    const header = { alg: 'EdDSA', typ: 'dpop+jwt', jwk: client.jwk }
    const forged = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`
    expect(said(await present(scheme, token, forged))).toBe('malformed DPoP.jwk')
  })

  test(
    'of a weak key',
    async () => {
      const options: Partial<DpopOptions> = { algorithms: ['RS256'] }
      const { scheme, signer } = await setting(options)
      const weak = await createClient('RS256', { modulusLength: 2048 })
      // Whose exponent is 1: every message is its own signature.
      const jwk = { ...weak.jwk, e: 'AQ' }
      const { calculateJwkThumbprint } = await import('jose')
      const token = await sign(signer, { cnf: { jkt: await calculateJwkThumbprint(jwk) } })
      expect(said(await present(scheme, token, await prove({ ...weak, jwk }, token)))).toBe(
        'malformed DPoP.jwk',
      )
    },
    SLOW,
  )

  test('missing, twice, or no token at all', async () => {
    const { scheme, token, client } = known
    expect(said(await present(scheme, token, []))).toBe('binding-failed DPoP')
    const two = [await prove(client, token), await prove(client, token)]
    expect(said(await present(scheme, token, two))).toBe('malformed DPoP')
    expect(said(await present(scheme, token, two.join(', ')))).toBe('malformed DPoP')
    expect(said(await present(scheme, token, ''))).toBe('malformed DPoP')
    expect(said(await present(scheme, token, `${two[0]}.${'x'.repeat(8_192)}`))).toBe('malformed DPoP')
  })
})

test('where the request\u2019s own origin counts, it is the one that the exchange trusts', async () => {
  const { scheme, token, client } = await setting({ origin: 'request' })
  const origin = 'https://tenant.example'
  const theirs = () => prove(client, token, { htu: `${origin}/items/42` })
  expect(said(await present(scheme, token, await theirs(), { origin }))).toBe('accepted')
  expect(said(await present(scheme, token, await theirs()))).toBe('binding-failed DPoP.htu')
  expect(said(await present(scheme, token, await prove(client, token), { origin }))).toBe(
    'binding-failed DPoP.htu',
  )
})

describe('the binding', () => {
  test('is to the key of the proof: another client\u2019s good proof does not do', async () => {
    const { scheme, token } = known
    const thief = await createClient()
    expect(said(await present(scheme, token, await prove(thief, token)))).toBe('binding-failed cnf.jkt')
  })

  test.each<[string, Record<string, unknown>]>([
    ['is not bound', {}],
    ['is bound to a certificate', { cnf: { 'x5t#S256': 'x' } }],
    ['is bound to nothing', { cnf: {} }],
    ['is bound to no text', { cnf: 'text' }],
    ['is bound by null', { cnf: null }],
  ])('is demanded: a token that %s is no DPoP token', async (_name, claims) => {
    const { scheme, signer, client } = known
    const token = await sign(signer, claims)
    expect(said(await present(scheme, token, await prove(client, token)))).toBe('binding-failed cnf')
  })

  test('is to be verified as a whole: a certificate beside the key is not ignored', async () => {
    const { scheme, signer, client } = known
    const token = await sign(signer, { cnf: { ...client.cnf, 'x5t#S256': 'x' } })
    expect(said(await present(scheme, token, await prove(client, token)))).toBe('binding-failed cnf')
  })

  test.each([['jkt'], ['x5t#S256']])('by %s keeps a token from being a plain one', async (name) => {
    const { tokens, signer } = known
    const token = await sign(signer, { cnf: { [name]: 'x' } })
    // The first time it is verified, the second time it is known.
    for (let times = 0; times < 2; times += 1) {
      expect(said(await tokens.verify(token, literalExchange()))).toBe('binding-failed cnf')
      expect(said(await tokens.verifyBound(token, literalExchange()))).toBe('accepted')
    }
  })

  test('does not make a bad token good', async () => {
    const { scheme, signer, client } = known
    const expired = await sign(signer, { cnf: client.cnf, exp: START / 1_000 - 60 })
    expect(said(await present(scheme, expired, await prove(client, expired)))).toBe('expired exp')
    const forged = await sign(await createSigner(), { cnf: client.cnf })
    expect(said(await present(scheme, forged, await prove(client, forged)))).toBe('bad-signature')
  })
})
