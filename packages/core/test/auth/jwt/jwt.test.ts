import { beforeAll, describe, expect, test } from '@jest/globals'
import type { JwtOptions } from '../../../src/auth/jwt/options.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { ask, createSigner, ISSUER, resultOf, sign, type Signer, START, verifier } from './tokens.js'

let signer: Signer
beforeAll(async () => {
  signer = await createSigner()
})

describe('a good token', () => {
  test('names its subject, scopes and id, with the claims beside', async () => {
    const token = await sign(signer, { tid: 'acme' })
    const verdict = await ask(verifier([signer], { tenantClaim: 'tid' }), token)
    expect(verdict).toMatchObject({
      verdict: 'accepted',
      identity: {
        scheme: 'jwt',
        issuer: ISSUER,
        subject: 'ann',
        tenant: 'acme',
        scopes: ['items:read', 'items:write'],
        credentialId: 'token-1',
        expiresAt: START + 600_000,
      },
    })
    expect(verdict.verdict === 'accepted' && verdict.identity.claims['client_id']).toBe('app')
  })

  test('gives claims that no handler can change for the next request', async () => {
    const verdict = await ask(verifier([signer]), await sign(signer, { realm: { roles: ['user'] } }))
    const { roles } = (verdict.verdict === 'accepted' ? verdict.identity.claims['realm'] : {}) as {
      roles: string[]
    }
    expect(() => roles.push('admin')).toThrow(TypeError)
  })

  test('may be signed with any algorithm of the list', async () => {
    const algorithms = [
      'RS256',
      'PS256',
      'ES256',
      'EdDSA',
      'ES384',
      'ES512',
      'RS512',
      'PS384',
      'Ed25519',
    ] as const
    for (const algorithm of algorithms) {
      const own = await createSigner(algorithm)
      expect(await resultOf(verifier([own], { algorithms: [algorithm] }), await sign(own))).toBe('accepted')
      // Without `alg` a key serves what fits its type.
      const { alg: _, ...bare } = own.jwk
      expect(
        await resultOf(verifier([{ ...own, jwk: bare }], { algorithms: [algorithm] }), await sign(own)),
      ).toBe('accepted')
    }
  })
})

describe('time', () => {
  test('tolerates the configured difference of clocks, and not a millisecond more', async () => {
    const now = START / 1_000
    expect(await at(9_999, { exp: now })).toBe('accepted')
    expect(await at(10_000, { exp: now })).toBe('expired')
    expect(await at(-10_000, { nbf: now })).toBe('accepted')
    expect(await at(-10_001, { nbf: now, iat: undefined })).toBe('not-yet-valid')
    expect(await at(-10_001, { nbf: undefined, iat: now })).toBe('issued-in-future')
  })

  test('maxLifetime ends a token early', async () => {
    const clock = new ManualClock(START)
    const scheme = verifier([signer], { clock, maxLifetime: '1m', clockTolerance: 1 })
    const token = await sign(signer)
    await clock.advance(60_000)
    expect(await resultOf(scheme, token)).toBe('accepted')
    await clock.advance(1)
    expect(await resultOf(scheme, token)).toBe('expired')
    expect(await ask(scheme, await sign(signer, { iat: undefined }))).toMatchObject({
      reason: 'claim-missing',
      at: 'iat',
    })
  })
})

describe('scopes', () => {
  test('are split at single spaces and otherwise kept byte by byte', async () => {
    expect(await scopesOf('b a')).toEqual(['a', 'b'])
    expect(await scopesOf('a\tb A')).toEqual(['A', 'a\tb'])
    expect(await scopesOf('')).toEqual([])
    expect(await scopesOf(undefined)).toEqual([])
  })

  test('of another form grant nothing', async () => {
    const list = { scopes: { claim: 'permissions', form: 'array' } } as const
    for (const value of [['a'], { a: true }, 1, null]) expect(await scopesOf(value)).toEqual([])
    expect(await scopesOf(['a', 'b:c'], list)).toEqual(['a', 'b:c'])
    for (const value of ['a', ['a', 1], ['a b'], ['']]) expect(await scopesOf(value, list)).toEqual([])
  })
})

describe('roles', () => {
  test('are read from the configured claim alone, at whatever depth', async () => {
    const claims = { roles: ['top'], realm_access: { roles: ['clerk', 'a b'] } }
    const rolesBy = async (roles: JwtOptions['roles'], more: object = {}): Promise<unknown> => {
      const verdict = await ask(
        verifier([signer], roles && { roles }),
        await sign(signer, { ...claims, ...more }),
      )
      return verdict.verdict === 'accepted' ? verdict.identity.roles : verdict
    }
    expect(await rolesBy(undefined)).toEqual([])
    expect(await rolesBy({ claim: 'roles' })).toEqual(['top'])
    expect(await rolesBy({ claim: ['realm_access', 'roles'] })).toEqual(['a b', 'clerk'])
    expect(await rolesBy({ claim: 'https://x.example/roles' }, { 'https://x.example/roles': ['x'] })).toEqual(
      ['x'],
    )
    for (const junk of ['admin', ['admin', 7], ['admin', ''], { 0: 'admin' }, null]) {
      expect(await rolesBy({ claim: 'roles' }, { roles: junk })).toEqual([])
    }
    expect(await rolesBy({ claim: ['roles', '0'] })).toEqual([])
    expect(await rolesBy({ claim: ['constructor', 'name'] })).toEqual([])
  })
})

describe('each relaxation changes its own rule alone', () => {
  const rows: readonly [
    string,
    Partial<JwtOptions>,
    Record<string, unknown>,
    Record<string, unknown>,
    string,
  ][] = [
    ['types JWT', { types: ['JWT'], requiredClaims: ['client_id'] }, {}, { typ: 'JWT' }, 'wrong-type'],
    [
      'types absent',
      { types: ['absent'], requiredClaims: ['client_id'] },
      {},
      { typ: undefined },
      'wrong-type',
    ],
    ['kid optional', { kid: 'optional' }, {}, { kid: undefined }, 'malformed'],
    [
      'audienceClaim',
      { audienceClaim: 'client_id', audience: 'app' },
      { aud: undefined },
      {},
      'claim-missing',
    ],
    ['subjectClaim', { subjectClaim: 'azp' }, { sub: undefined, azp: 'app' }, {}, 'claim-missing'],
    ['iat ignore', { iat: 'ignore' }, { iat: START / 1_000 + 3_600 }, {}, 'issued-in-future'],
    ['clockTolerance', { clockTolerance: '5m' }, { exp: START / 1_000 - 299 }, {}, 'expired'],
  ]
  for (const [name, options, claims, header, without] of rows) {
    test(name, async () => {
      const token = await sign(signer, claims, header)
      expect(await resultOf(verifier([signer]), token)).toBe(without)
      const relaxed = verifier([signer], options)
      expect(await resultOf(relaxed, token)).toBe('accepted')
      expect(
        await resultOf(relaxed, await sign(signer, { ...claims, iss: 'https://idp.example' }, header)),
      ).toBe('wrong-issuer')
      expect(await resultOf(relaxed, await sign(signer, { ...claims, exp: 1 }, header))).toBe('expired')
    })
  }

  test('other types need a claim that ID tokens lack', async () => {
    expect(() => verifier([signer], { types: ['at+jwt', 'JWT'] })).toThrow(/requiredClaims/)
    const scheme = verifier([signer], { types: ['at+jwt', 'JWT'], requiredClaims: ['client_id'] })
    const idToken = await sign(signer, { client_id: undefined }, { typ: 'JWT' })
    expect(await ask(scheme, idToken)).toMatchObject({ reason: 'claim-missing', at: 'client_id' })
  })

  test('kid optional refuses a choice between keys', async () => {
    const second = await createSigner('ES256', 'key-2')
    const token = await sign(signer, {}, { kid: undefined })
    expect(await resultOf(verifier([signer, second], { kid: 'optional' }), token)).toBe('unknown-key')
    expect(await resultOf(verifier([signer, second], { kid: 'optional' }), await sign(signer))).toBe(
      'accepted',
    )
  })

  test('rfc9068-full demands all seven claims', async () => {
    const scheme = verifier([signer], { profile: 'rfc9068-full' })
    expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
    for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) {
      expect(await ask(scheme, await sign(signer, { [name]: undefined }))).toMatchObject({
        reason: 'claim-missing',
        at: name,
      })
    }
  })
})

describe('several issuers', () => {
  test('a scheme claims the tokens of its own issuers only', async () => {
    const scheme = verifier([signer], { issuer: [ISSUER, 'https://second.example'] })
    expect(scheme.claims?.(await sign(signer))).toBe(true)
    expect(scheme.claims?.(await sign(signer, { iss: 'https://second.example' }))).toBe(true)
    expect(scheme.claims?.(await sign(signer, { iss: 'https://third.example' }))).toBe(false)
    expect(scheme.claims?.('opaque')).toBe(false)
    expect(scheme.claims?.('')).toBe(false)
  })

  test('the event of a wrong issuer names both', async () => {
    const verdict = await ask(verifier([signer]), await sign(signer, { iss: 'https://idp.example' }))
    expect(verdict).toMatchObject({ expected: [ISSUER], received: ['https://idp.example'] })
    expect(verdict).not.toHaveProperty('genuine')
  })
})

/** With a clock that is `offset` milliseconds ahead, and a tolerance of 10 s. */
async function at(offset: number, claims: Record<string, unknown>): Promise<string> {
  const clock = new ManualClock(START + offset)
  return resultOf(verifier([signer], { clock, clockTolerance: '10s' }), await sign(signer, claims))
}

async function scopesOf(value: unknown, options: Partial<JwtOptions> = {}): Promise<readonly string[]> {
  const claim = options.scopes?.claim ?? 'scope'
  const verdict = await ask(verifier([signer], options), await sign(signer, { [claim]: value }))
  return verdict.verdict === 'accepted' ? verdict.identity.scopes : ['rejected']
}
