import { ManualClock } from '@headgate/core/testing'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { developmentIssuer } from '../src/index.js'

const NODE_ENV = process.env['NODE_ENV']

afterEach(() => {
  process.env['NODE_ENV'] = NODE_ENV
})

describe('the development issuer', () => {
  test('signs access tokens with every claim of RFC 9068', async () => {
    const clock = new ManualClock()
    const issuer = await developmentIssuer({ issuer: 'http://dev', audience: 'inventory', clock })
    const token = await issuer.issue({ sub: 'ada', scope: 'items:read' })

    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(issuer.tokens.jwks), {
      issuer: 'http://dev',
      audience: 'inventory',
      typ: 'at+jwt',
      requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
      currentDate: new Date(clock.now()),
    })
    expect(payload).toMatchObject({ sub: 'ada', scope: 'items:read' })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600)
    expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: issuer.tokens.jwks.keys[0]?.kid })
  })

  test('publishes the public key only', async () => {
    const { tokens } = await developmentIssuer({ issuer: 'http://dev', audience: 'inventory' })
    expect(tokens.jwks.keys).toHaveLength(1)
    expect(tokens.jwks.keys[0]).not.toHaveProperty('d')
  })

  test('is not made in production', async () => {
    process.env['NODE_ENV'] = 'production'
    await expect(developmentIssuer({ issuer: 'http://dev', audience: 'inventory' })).rejects.toThrow(
      'production',
    )
  })
})
