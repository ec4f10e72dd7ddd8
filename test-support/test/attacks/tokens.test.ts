import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { keyAsCertificate, publicForms, signRaw, signSecret, unsigned } from '../../attacks/forge.js'
import { PROTOCOLS } from '../../attacks/protocols.js'
import { openTarget, type Target } from '../../attacks/target.js'
import { codeOf } from '../../attacks/wire.js'
import { type Endpoint, openEndpoint } from '../../endpoint.js'
import {
  AUDIENCE,
  createSigner,
  goodClaims,
  ISSUER,
  type Signer,
  START,
} from '../../../packages/core/test/auth/jwt/tokens.js'

let target: Target
/** What a token names as a place to get keys from. Nobody may ever ask it. */
let trap: Endpoint
let mallory: Signer
beforeAll(async () => {
  target = await openTarget()
  mallory = await createSigner('ES256', 'mallory')
  trap = await openEndpoint((_request, response) => {
    const document = { issuer: trap.url, jwks_uri: `${trap.url}/keys`, keys: [mallory.jwk] }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
  })
})
afterAll(async () => {
  await target.close()
  await trap.close()
})

type Tokens = () => readonly string[]

/** The issuer made none of these. */
const FORGED: Readonly<Record<string, Tokens>> = {
  'a secret that is the public key': () =>
    [target.signer, target.rsa].flatMap((signer) =>
      publicForms(signer).map((secret) => signSecret(signer, secret)),
    ),
  'no signature': () =>
    ['none', 'None', 'NONE', 'nOnE', '', null, undefined, 0, [], ['none'], 'ES256'].flatMap((alg) =>
      ['', '.', '.AA', `.${'A'.repeat(86)}`].map((end) => `${unsigned(target.signer, { alg })}${end}`),
    ),
  'a signature of zeroes': () =>
    [Buffer.alloc(64), Buffer.alloc(64, 255), Buffer.from('3006020100020100', 'hex')].map(
      (bytes) => `${unsigned(target.signer, {})}.${bytes.toString('base64url')}`,
    ),
  'a key that the token brings, or says where to get': () => {
    const keys = `${trap.url}/keys`
    const x5c = [keyAsCertificate(mallory)]
    const sources = [
      { jwk: mallory.jwk },
      { x5c },
      { jku: keys },
      { x5u: keys },
      { jwk: keys },
      { iss: trap.url },
    ]
    return ['key-1', 'mallory', keys, undefined].flatMap((kid) =>
      sources.map((source) => signRaw(mallory, { kid, ...source })),
    )
  },
  'an issuer that says where its keys are': () =>
    [trap.url, `${trap.url}/`, `https://idp.example@${trap.url.slice(7)}/`, `${ISSUER}../`].map((iss) =>
      signRaw(mallory, {}, JSON.stringify({ ...goodClaims(), iss })),
    ),
  'key ids that are no ids': () =>
    [
      '',
      '../../dev/null',
      '__proto__',
      'constructor',
      "' OR 1=1 --",
      'x'.repeat(300),
      'KEY-1',
      1,
      null,
      ['key-1'],
    ].map((kid) => signRaw(mallory, { kid })),
}

/** The issuer made these, and not for this service, or not so. */
const GENUINE: Readonly<Record<string, Tokens>> = {
  'critical extensions': () =>
    [[], ['exp'], ['b64'], null, 'exp', ['jwk']].map((crit) => signRaw(target.signer, { crit })),
  'an unencoded payload': () => [true, false, null].map((b64) => signRaw(target.signer, { b64 })),
  'a key of another algorithm': () => [
    signRaw(target.signer, { kid: 'key-2' }),
    signRaw(target.rsa, { kid: 'key-1' }),
    signRaw(target.rsa, { alg: 'PS256' }),
    signRaw(target.rsa, { alg: 'RS512' }),
  ],
  'another kind': () =>
    [
      undefined,
      'JWT',
      'jwt',
      'id+jwt',
      'dpop+jwt',
      'logout+jwt',
      'at+jwt ',
      ['at+jwt'],
      '',
      null,
      'xat+jwt',
    ].map((typ) => signRaw(target.signer, { typ })),
  'another issuer': () =>
    wrong('iss', [`${ISSUER}/`, ISSUER.slice(0, -1), ISSUER.toUpperCase(), [ISSUER], 7, '']),
  'another audience': () =>
    wrong('aud', [`${AUDIENCE}/`, 'https://api.example.evil', [], [[AUDIENCE]], { 0: AUDIENCE }, 7, '*', '']),
  'odd types': () => [
    ...wrong('sub', [7, true, ['ann'], { toString: 'ann' }, '']),
    ...wrong('exp', ['9999999999', true, [9_999_999_999], {}]),
    ...wrong('jti', [7, {}, '']),
    ...wrong('tenant', [7, ['a'], '']),
    ...wrong('cnf', [{ jkt: 'x' }, {}]),
  ],
  'odd numbers': () =>
    ['1e999', '-1e999', '-1', '0', 'null', '1e-999'].map((number) => {
      const text = JSON.stringify(goodClaims()).replace(/"exp":\d+/, `"exp":${number}`)
      return signRaw(target.signer, {}, text)
    }),
  'odd times': () => {
    const now = START / 1_000
    return [
      ...wrong('exp', [now - 31, now - 86_400]),
      ...wrong('nbf', [now + 31, String(now), 1e12]),
      ...wrong('iat', [now + 31, String(now), 1e12]),
    ]
  },
  'members of the prototype': () =>
    ['iss', 'aud', 'sub', 'exp'].map((name) => {
      const { [name]: value, ...rest } = goodClaims()
      const text = `{"__proto__":${JSON.stringify({ [name]: value })},${JSON.stringify(rest).slice(1)}`
      return signRaw(target.signer, {}, text)
    }),
  'other spellings': () => {
    const good = signRaw(target.signer, {})
    const [head = '', payload = '', signature = ''] = good.split('.')
    return [
      `${good}=`,
      `${good}.`,
      `.${good}`,
      ` ${good}`,
      `${good}AA`,
      `${head}.${payload}.${signature.slice(0, -1)}`,
      `${head}=.${payload}.${signature}`,
      `${head}.${payload}.${signature}.${signature}`,
      JSON.stringify({ protected: head, payload, signature }),
    ]
  },
}

function wrong(claim: string, values: readonly unknown[]): readonly string[] {
  return [undefined, null, ...values]
    .filter((value) => value !== undefined || ['iss', 'aud', 'exp', 'sub'].includes(claim))
    .map((value) => signRaw(target.signer, {}, JSON.stringify({ ...goodClaims(), [claim]: value })))
}

describe.each(PROTOCOLS)('over $name', (protocol) => {
  const refuses = async (tokens: readonly string[]): Promise<void> => {
    expect(tokens.length).toBeGreaterThan(2)
    const before = { ...target.done }
    for (const token of tokens) {
      for (const wish of ['me', 'open', 'create'] as const) {
        const got = await target.send(protocol.ask(wish), ['Authorization', `Bearer ${token}`])
        expect([token, got.status, codeOf(got)]).toEqual([token, 401, 'credentials-invalid'])
        expect(got.fields['www-authenticate']).toMatch(/^Bearer realm="api", error="invalid_token"/)
        expect(got.fields['www-authenticate']).not.toContain(token)
      }
    }
    expect(target.done).toEqual(before)
  }

  test('a good token is let in: what follows is refused for what it is', async () => {
    for (const signer of [target.signer, target.rsa]) {
      const got = await target.send(protocol.ask('me'), ['Authorization', `Bearer ${signRaw(signer, {})}`])
      expect([got.status, got.text]).toEqual([200, expect.stringContaining('ann')])
    }
  })

  describe('forged tokens, algorithm confusion, key injection, SSRF by header or claim', () => {
    test.each(Object.entries(FORGED))('%s', async (_what, tokens) => {
      await refuses(tokens())
      expect(trap.requests).toBe(0)
      // One when the gateway started, one for the first unknown key id; the cooldown is never over.
      expect(target.keys.requests).toBeLessThanOrEqual(2)
    })
  })

  describe('token of another kind, issuer or audience; odd types, numbers, times, prototype members', () => {
    test.each(Object.entries(GENUINE))('%s', async (_what, tokens) => {
      await refuses(tokens())
      expect(trap.requests).toBe(0)
    })
  })
})
