import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { authenticate, type AuthenticateOptions } from '../../src/auth/authenticate.js'
import { ANONYMOUS, createIdentity } from '../../src/auth/identity.js'
import { accepted, rejected, type Scheme, undecided, type Verdict } from '../../src/auth/scheme.js'
import type { Answer, Reply } from '../../src/exchange.js'
import type { Access } from '../../src/operation.js'
import { type ExchangeInit, literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'

const ANN = createIdentity({ scheme: 'token', subject: 'ann', scopes: ['read'], credentialId: 'token-1' })
const BOT = createIdentity({ scheme: 'key', subject: 'bot', scopes: ['read'], credentialId: 'key-1' })
const ANSWER: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
type Headers = NonNullable<ExchangeInit['headers']>

const token: Scheme = {
  name: 'token',
  credential: { field: 'authorization', authScheme: 'Bearer' },
  challenge: { authScheme: 'Bearer', errors: true },
  verify: (credential) => verdictOf(credential, ANN),
}
const key: Scheme = {
  name: 'key',
  credential: { field: 'x-api-key' },
  challenge: { authScheme: 'ApiKey', errors: true },
  verify: async (credential) => verdictOf(credential, BOT),
}

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
  const reads = (name: string, prefix: string): Scheme => ({
    ...token,
    name,
    claims: (credential) => credential.startsWith(prefix),
    verify: (credential) =>
      credential === `${prefix}good`
        ? accepted(createIdentity({ scheme: name, subject: name }))
        : rejected('bad-signature'),
  })
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

describe('a scheme that fails', () => {
  const failing = (verify: Scheme['verify'], rest: Partial<Scheme> = {}): Scheme => ({
    ...token,
    ...rest,
    verify,
  })
  const sent = { headers: { authorization: 'Bearer good' } }

  test('never lets anyone in and never calls the credential bad', async () => {
    const broken: readonly Scheme[] = [
      failing(() => Promise.reject(new Error('away'))),
      failing(() => {
        throw new Error('away')
      }),
      failing(() => undefined as never),
      failing(() => ({ verdict: 'yes' }) as never),
      failing(() => ({ verdict: 'accepted' }) as never),
      failing(() => accepted({ ...ANN })),
      failing(() => accepted(ANONYMOUS)),
      failing(() => rejected('malformed', { challenge: { error: 'a"b' } })),
      failing(() => undecided(Number.NaN)),
    ]
    for (const scheme of broken) {
      for (const mode of ['required', 'optional'] as const) {
        const { reply } = await send([scheme], sent, { mode })
        expect(reply).toMatchObject({ code: 'auth-unavailable', status: 503 })
        expect(reply.headers).toMatchObject({ 'retry-after': '5', 'cache-control': 'no-store' })
      }
    }
    const claims = (): boolean => {
      throw new Error('slip')
    }
    expect(await outcome([failing(token.verify, { claims }), token], sent)).toBe('auth-unavailable')
  })

  test('tells the operator what it threw', async () => {
    const seen: unknown[] = []
    const error = new Error('away')
    const options = { onError: (thrown: unknown, { name }: Scheme) => seen.push([thrown, name]) }
    await send([failing(() => Promise.reject(error))], sent, {}, options)
    expect(seen).toEqual([[error, 'token']])
  })
})

describe('events', () => {
  test('name who came in and why others did not', async () => {
    const good = await send([token], { headers: { authorization: 'Bearer good' } })
    expect(good.exchange.events).toMatchObject([
      { type: 'auth.accepted', scheme: 'token', credentialId: 'token-1' },
    ])
    const bad = await send([token], { headers: { authorization: 'Bearer expired' } })
    expect(bad.exchange.events).toMatchObject([
      { type: 'auth.refused', code: 'credentials-invalid', scheme: 'token', reason: 'expired', at: 'exp' },
    ])
    const unknown = await send([token], { headers: { authorization: 'Basic x' } })
    expect(unknown.exchange.events).toMatchObject([{ code: 'credentials-invalid', reason: 'unknown-scheme' }])
    const none = await send([token], {})
    expect(none.exchange.events).toEqual([{ type: 'auth.refused', code: 'credentials-missing' }])
  })

  test('cut what a token names and take the control characters out of it', async () => {
    const { exchange } = await send([token], { headers: { authorization: 'Bearer elsewhere' } })
    const [event] = exchange.events as { received?: readonly string[] }[]
    expect(event?.received).toHaveLength(5)
    expect(event?.received?.[0]).toBe('line\u{fffd}break')
    expect(event?.received?.[1]).toHaveLength(256)
  })

  test('no credential, in whatever position, appears in a reply or an event', async () => {
    const secret = 'S3CRET'
    const place = fc.constantFrom('authorization', 'x-api-key')
    const shape = fc.constantFrom('Bearer *', '*', 'Basic *', 'Bearer *, Bearer *', '* Bearer', 'Bearer  *')
    await fc.assert(
      fc.asyncProperty(place, fc.array(shape, { minLength: 1, maxLength: 2 }), async (field, shapes) => {
        const lines = shapes.map((line) => line.replaceAll('*', secret))
        const { reply, exchange } = await send([token, key], { headers: { [field]: lines } })
        expect(reply.kind).toBe('refusal')
        expect(JSON.stringify([reply, exchange.events])).not.toContain(secret)
      }),
    )
  })
})

describe('any bytes as a credential', () => {
  test('give a verdict, never a throw', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `Bearer ${text}`),
    )
    const headers = fc.record({
      authorization: fc.array(line, { maxLength: 2 }),
      'x-api-key': fc.array(line, { maxLength: 2 }),
    })
    await fc.assert(
      fc.asyncProperty(headers, async (sent) => {
        const { reply } = await send([token, key], { headers: sent })
        expect([200, 400, 401, 503]).toContain(reply.status)
      }),
    )
  })
})

describe('options', () => {
  test('are checked at construction, by name', () => {
    const wrong: readonly [unknown, unknown, RegExp][] = [
      [[], {}, /schemes/],
      [undefined, {}, /schemes/],
      [[{}], {}, /schemes\[0\]/],
      [[{ ...token, name: '' }], {}, /schemes\[0\]\.name/],
      [[{ ...token, challenge: undefined }], {}, /challenge/],
      [[{ ...token, credential: { field: 'authorization' } }], {}, /authScheme/],
      [[{ ...key, credential: { field: 'x-api-key', authScheme: 'Bearer' } }], {}, /authScheme/],
      [[{ ...key, credential: { field: 'X-API-Key' } }], {}, /lower case/],
      [[token], { realm: 'a"b' }, /realm/],
      [[token], { realm: '' }, /realm/],
      [[token], { mode: 'none' }, /mode/],
      [[token], { ignore: 'basic' }, /ignore/],
      [[token], { onError: 1 }, /onError/],
      [[token], { moed: 'required' }, /moed/],
    ]
    for (const [schemes, options, message] of wrong) {
      expect(() => authenticate(schemes as never, options as never)).toThrow(message)
      expect(() => authenticate(schemes as never, options as never)).toThrow(TypeError)
    }
  })
})

function verdictOf(credential: string, identity: typeof ANN): Verdict {
  if (credential === 'good') return accepted(identity)
  if (credential === 'expired') return rejected('expired', { genuine: true, at: 'exp' })
  if (credential === 'forged') return rejected('bad-signature')
  if (credential === 'away') return undecided(7_001)
  if (credential === 'throws') throw new Error('store away')
  const received = ['line\nbreak', 'x'.repeat(1_000), 'c', 'd', 'e', 'f']
  if (credential === 'elsewhere') return rejected('wrong-audience', { received, expected: ['api'] })
  return rejected('malformed')
}

function bothModes(code: string): { required: string; optional: string } {
  return { required: code, optional: code }
}

/** The caller's name, or the code of the refusal. */
async function outcome(
  schemes: readonly Scheme[],
  init: ExchangeInit,
  access: Access = {},
  options: AuthenticateOptions = {},
): Promise<string> {
  const { reply, exchange } = await send(schemes, init, access, options)
  if (reply.kind === 'refusal') return reply.code
  return exchange.identity === ANONYMOUS ? 'anonymous' : (exchange.identity?.subject ?? 'nobody')
}

async function send(
  schemes: readonly Scheme[],
  init: ExchangeInit,
  access: Access = {},
  options: AuthenticateOptions = {},
): Promise<{ reply: Reply; exchange: LiteralExchange }> {
  const exchange = literalExchange({ ...init, operation: { access } })
  const reply = await authenticate(schemes, options).handle(exchange, async () => ANSWER)
  return { reply, exchange }
}
