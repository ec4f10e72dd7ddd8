import { beforeAll, describe, expect, test } from '@jest/globals'
import { authenticate } from '../../../src/auth/authenticate.js'
import type { JwtOptions } from '../../../src/auth/jwt/options.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { createSigner, sign, type Signer, START, verifier } from './tokens.js'

const [LAX, STRICT] = ['https://lax.example/', 'https://strict.example/']
const NOW = START / 1_000

type Change = Readonly<Record<string, unknown>>

/** A relaxation, and the token that it is for. */
const RELAXATIONS: Readonly<Record<string, readonly [Partial<JwtOptions>, claims: Change, header: Change]>> =
  {
    types: [{ types: ['JWT'], requiredClaims: ['client_id'] }, {}, { typ: 'JWT' }],
    'types absent': [{ types: ['absent'], requiredClaims: ['client_id'] }, {}, { typ: undefined }],
    kid: [{ kid: 'optional' }, {}, { kid: undefined }],
    audienceClaim: [{ audienceClaim: 'client_id', audience: 'app' }, { aud: undefined }, {}],
    subjectClaim: [{ subjectClaim: 'azp' }, { sub: undefined, azp: 'app' }, {}],
    iat: [{ iat: 'ignore' }, { iat: NOW + 3_600 }, {}],
    clockTolerance: [{ clockTolerance: '5m' }, { exp: NOW - 299 }, {}],
  }

let signer: Signer
beforeAll(async () => {
  signer = await createSigner()
})

describe('a relaxation of one issuer, in a chain with another', () => {
  test.each(Object.entries(RELAXATIONS))('%s: changes its own issuer only', async (_name, relaxation) => {
    const [options, claims, header] = relaxation
    const lax = verifier([signer], { issuer: LAX, ...options })
    const strict = verifier([signer], { issuer: STRICT })
    for (const chain of [
      [lax, strict],
      [strict, lax],
    ]) {
      const statusOf = async (iss: string): Promise<number> => {
        const authorization = `Bearer ${await sign(signer, { ...claims, iss }, header)}`
        const exchange = literalExchange({ headers: { authorization } })
        const answer = { kind: 'answer', status: 200, headers: {}, body: null } as const
        return (await authenticate(chain).handle(exchange, async () => answer)).status
      }
      expect([await statusOf(LAX), await statusOf(STRICT)]).toEqual([200, 401])
    }
  })

  test('and the strict one takes what it always took', async () => {
    const chain = [
      verifier([signer], { issuer: LAX, kid: 'optional' }),
      verifier([signer], { issuer: STRICT }),
    ]
    const exchange = literalExchange({
      headers: { authorization: `Bearer ${await sign(signer, { iss: STRICT })}` },
    })
    const answer = { kind: 'answer', status: 200, headers: {}, body: null } as const
    expect((await authenticate(chain).handle(exchange, async () => answer)).status).toBe(200)
    expect(exchange.identity).toMatchObject({ issuer: STRICT })
  })
})
