import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { authenticate } from '../../src/auth/authenticate.js'
import { createIdentity } from '../../src/auth/identity.js'
import { accepted, rejected, type Scheme } from '../../src/auth/scheme.js'
import type { ExchangeInit } from '../../src/testing/exchange.js'
import { key, outcome, send, token } from './chain.js'

type Headers = NonNullable<ExchangeInit['headers']>

describe('the table of credentials and modes', () => {
  const BEARER_ONLY = 'Bearer realm="api", error="invalid_token"'
  const rows: readonly [string, Headers, Partial<Record<'required' | 'optional', string>>][] = [
    ['nothing', {}, { required: 'credentials-missing', optional: 'anonymous' }],
    ['a good token', { authorization: 'Bearer good' }, { required: 'ann', optional: 'ann' }],
    ['a good key', { 'x-api-key': 'good' }, { required: 'bot', optional: 'bot' }],
    [
      'a good token, scheme in capitals',
      { authorization: 'BEARER good' },
      { required: 'ann', optional: 'ann' },
    ],
    ['a bad token', { authorization: 'Bearer bad' }, bothModes('credentials-invalid')],
    ['a bad key', { 'x-api-key': 'bad' }, bothModes('credentials-invalid')],
    ['an empty key', { 'x-api-key': '' }, bothModes('credentials-invalid')],
    ['an empty Authorization', { authorization: '' }, bothModes('credentials-invalid')],
    ['a scheme without a token', { authorization: 'Bearer' }, bothModes('credentials-invalid')],
    ['two spaces', { authorization: 'Bearer  good' }, bothModes('credentials-invalid')],
    [
      'two tokens in one line',
      { authorization: 'Bearer good, Bearer good' },
      bothModes('credentials-invalid'),
    ],
    ['an unknown scheme', { authorization: 'Basic good' }, bothModes('credentials-invalid')],
    ['a token that can not be decided', { authorization: 'Bearer away' }, bothModes('auth-unavailable')],
    ['a key that can not be decided', { 'x-api-key': 'throws' }, bothModes('auth-unavailable')],
    [
      'the same token twice',
      { authorization: ['Bearer good', 'Bearer good'] },
      bothModes('credentials-ambiguous'),
    ],
    ['the same key twice', { 'x-api-key': ['good', 'good'] }, bothModes('credentials-ambiguous')],
    [
      'token and key',
      { authorization: 'Bearer good', 'x-api-key': 'good' },
      bothModes('credentials-ambiguous'),
    ],
    [
      'unknown scheme and key',
      { authorization: 'Basic x', 'x-api-key': 'good' },
      bothModes('credentials-ambiguous'),
    ],
    [
      'a bad and a good token',
      { authorization: ['Bearer bad', 'Bearer good'] },
      bothModes('credentials-ambiguous'),
    ],
  ]

  for (const [title, headers, expected] of rows) {
    for (const chain of [
      [token, key],
      [key, token],
    ]) {
      for (const mode of ['required', 'optional'] as const) {
        test(`${title}: ${mode}, ${chain.map(({ name }) => name).join(' before ')}`, async () => {
          expect(await outcome(chain, { headers }, { mode })).toBe(expected[mode])
          expect(await outcome(chain, { headers }, {}, { mode })).toBe(expected[mode])
        })
      }
      test(`${title}: not read where the operation is anonymous`, async () => {
        expect(await outcome(chain, { headers }, { mode: 'anonymous' })).toBe('anonymous')
      })
    }
  }

  test('the operation overrides the mode of the chain, and an unknown mode demands a credential', async () => {
    expect(await outcome([token], {}, { mode: 'required' }, { mode: 'optional' })).toBe('credentials-missing')
    expect(await outcome([token], {}, { mode: 'none' as never }, { mode: 'optional' })).toBe(
      'credentials-missing',
    )
    expect(await outcome([token], {}, {})).toBe('credentials-missing')
  })

  test('each refusal carries its status and exactly its challenges', async () => {
    const other = 'ApiKey realm="api"'
    const expected: readonly [Headers, number, unknown][] = [
      [{}, 401, ['Bearer realm="api"', other]],
      [{ authorization: 'Basic x' }, 401, ['Bearer realm="api"', other]],
      [{ authorization: 'Bearer bad' }, 401, [BEARER_ONLY, other]],
      [{ 'x-api-key': 'bad' }, 401, ['Bearer realm="api"', 'ApiKey realm="api", error="invalid_token"']],
      [
        { authorization: ['Bearer good', 'Bearer good'] },
        400,
        ['Bearer realm="api", error="invalid_request"', 'ApiKey realm="api", error="invalid_request"'],
      ],
      [{ authorization: 'Bearer away' }, 503, undefined],
    ]
    for (const [headers, status, challenges] of expected) {
      const { reply } = await send([key, token], { headers })
      expect(reply.status).toBe(status)
      expect(reply.headers['www-authenticate']).toEqual(challenges)
      expect(reply.headers['cache-control']).toBe('no-store')
    }
    const { reply } = await send([token], {})
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="api"')
  })

  test('only the owner of a genuine credential is told what is wrong with it', async () => {
    const told = await send([token], { headers: { authorization: 'Bearer expired' } })
    const forged = await send([token], { headers: { authorization: 'Bearer forged' } })
    expect(told.reply.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="invalid_token", error_description="token expired"',
    )
    expect(forged.reply.headers['www-authenticate']).toBe(BEARER_ONLY)
  })

  test('says when to ask again in whole seconds', async () => {
    const { reply } = await send([token], { headers: { authorization: 'Bearer away' } })
    expect(reply.headers['retry-after']).toBe('8')
  })
})

describe('scopes', () => {
  test('a caller who lacks them gets 403 with what is needed, in the challenge of their own scheme', async () => {
    const access = { scopes: [['write', 'audit'], ['admin']] }
    const { reply, exchange } = await send([token, key], { headers: { 'x-api-key': 'good' } }, access)
    expect(reply).toMatchObject({ code: 'scope-insufficient', status: 403 })
    expect(reply.headers['www-authenticate']).toBe(
      'ApiKey realm="api", error="insufficient_scope", scope="write audit"',
    )
    expect(exchange.identity).toBeUndefined()
    expect(exchange.events).toEqual([{ type: 'auth.refused', code: 'scope-insufficient', scheme: 'key' }])
  })

  test('a caller who holds them passes', async () => {
    const good = { headers: { authorization: 'Bearer good' } }
    expect(await outcome([token], good, { scopes: ['read'] })).toBe('ann')
    expect(await outcome([token], good, { scopes: [['write'], ['read']] })).toBe('ann')
  })

  test('where nobody is named they make 401 of an open operation', async () => {
    for (const mode of ['optional', 'anonymous'] as const) {
      expect(await outcome([token], {}, { mode, scopes: ['read'] })).toBe('credentials-missing')
    }
  })

  test('a scope that can not stand in a challenge is left out of it', async () => {
    const { reply } = await send([token], { headers: { authorization: 'Bearer good' } }, { scopes: ['a"b'] })
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="api", error="insufficient_scope"')
  })
})

describe('ignore', () => {
  test('makes a named scheme in Authorization count as not sent, and no other', async () => {
    const front = { authorization: 'Basic c3RhZ2luZzpwYXNz' }
    const options = { ignore: ['basic'] }
    expect(await outcome([token, key], { headers: front }, {}, options)).toBe('credentials-missing')
    expect(await outcome([token, key], { headers: { ...front, 'x-api-key': 'good' } }, {}, options)).toBe(
      'bot',
    )
    expect(await outcome([token], { headers: { authorization: 'Digest x' } }, {}, options)).toBe(
      'credentials-invalid',
    )
  })

  test('can not leave out a scheme of the chain', () => {
    expect(() => authenticate([token], { ignore: ['bearer'] })).toThrow(/ignore/)
  })
})

describe('several schemes that read the same place', () => {
  const [a, b] = [reads('a', 'a-'), reads('b', 'b-')]

  test('the one that claims the credential has the last word, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('a-good', 'b-good', 'a-bad', 'b-bad', 'c', ''),
        fc.boolean(),
        async (credential, turned) => {
          const chain = turned ? [b, a] : [a, b]
          const expected = credential.endsWith('good') ? credential.slice(0, 1) : 'credentials-invalid'
          expect(await outcome(chain, { headers: { authorization: `Bearer ${credential}` } })).toBe(expected)
        },
      ),
    )
  })
})

function bothModes(code: string): { required: string; optional: string } {
  return { required: code, optional: code }
}

function reads(name: string, prefix: string): Scheme {
  return {
    ...token,
    name,
    claims: (credential) => credential.startsWith(prefix),
    verify: (credential) =>
      credential === `${prefix}good`
        ? accepted(createIdentity({ scheme: name, subject: name }))
        : rejected('bad-signature'),
  }
}
