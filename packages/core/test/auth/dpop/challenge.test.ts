import { beforeAll, describe, expect, test } from '@jest/globals'
import { authenticate } from '../../../src/auth/authenticate.js'
import { protectedResource } from '../../../src/auth/protected-resource.js'
import type { Access } from '../../../src/operation.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { sign } from '../jwt/tokens.js'
import { createClient, prove, setting, type Setting } from './proofs.js'

const ASKED = 'DPoP realm="api", algs="ES256 EdDSA"'

let known: Setting
beforeAll(async () => {
  known = await setting()
})

async function send(
  headers: Record<string, string | readonly string[]>,
  access: Access = {},
  chain?: 'dpop',
) {
  const { scheme, tokens } = known
  const exchange = literalExchange({ headers, operation: { access } })
  const schemes = chain === 'dpop' ? [scheme] : [tokens, scheme]
  const reply = await authenticate(schemes).handle(exchange, async () => ({
    kind: 'answer',
    status: 204,
    headers: {},
    body: null,
  }))
  return { reply, exchange, lines: [reply.headers['www-authenticate'] ?? []].flat() }
}

describe('challenges', () => {
  test('name the scheme and its algorithms, each scheme on a line', async () => {
    expect((await send({})).lines).toEqual(['Bearer realm="api"', ASKED])
    expect((await send({}, {}, 'dpop')).lines).toEqual([ASKED])
  })

  test('of a bad proof say so on their own line; why, only to who holds the key', async () => {
    const { token, client } = known
    const authorization = `DPoP ${token}`
    const { lines } = await send({ authorization, dpop: await prove(client, token, { htm: 'PUT' }) })
    expect(lines).toEqual([
      'Bearer realm="api"',
      `${ASKED}, error="invalid_dpop_proof", error_description="proof is for another method"`,
    ])
    const forged = `${(await prove(client, token)).slice(0, -4)}AAAA`
    for (const dpop of [[], 'junk', forged]) {
      expect((await send({ authorization, dpop })).lines).toEqual([
        'Bearer realm="api"',
        `${ASKED}, error="invalid_dpop_proof"`,
      ])
    }
  })

  test('of a bad token are those of any bad token', async () => {
    const { token, client } = known
    const { lines, reply } = await send({
      authorization: 'DPoP junk',
      dpop: await prove(client, token),
    })
    expect(lines).toEqual(['Bearer realm="api"', `${ASKED}, error="invalid_token"`])
    expect(reply).toMatchObject({ code: 'credentials-invalid', status: 401 })
  })

  test('of a bound token that comes as a plain one stand on the line of Bearer', async () => {
    const { token } = known
    expect((await send({ authorization: `Bearer ${token}` })).lines).toEqual([
      'Bearer realm="api", error="invalid_token", error_description="token is bound to another sender"',
      ASKED,
    ])
  })

  test('of a plain token that comes as a bound one stand on the line of DPoP', async () => {
    const { signer, client } = known
    const token = await sign(signer)
    expect((await send({ authorization: `DPoP ${token}`, dpop: await prove(client, token) })).lines).toEqual([
      'Bearer realm="api"',
      `${ASKED}, error="invalid_token", error_description="token is not bound to a DPoP key"`,
    ])
  })

  test('say which scope is lacking', async () => {
    const { token, client } = known
    const headers = { authorization: `DPoP ${token}`, dpop: await prove(client, token) }
    const { lines, reply } = await send(headers, { scopes: ['admin'] })
    expect(lines).toEqual([`${ASKED}, error="insufficient_scope", scope="admin"`])
    expect(reply.status).toBe(403)
  })

  test('a plain token still does where both are in the chain, and not where DPoP stands alone', async () => {
    const authorization = `Bearer ${await sign(known.signer)}`
    expect((await send({ authorization })).reply.status).toBe(204)
    const alone = await send({ authorization }, {}, 'dpop')
    expect(alone.reply).toMatchObject({ status: 401, code: 'credentials-invalid' })
    expect(alone.lines).toEqual([ASKED])
  })

  test('two credentials are two, also of these kinds', async () => {
    const { token, client, signer } = known
    const authorization = [`Bearer ${await sign(signer)}`, `DPoP ${token}`]
    const { reply } = await send({ authorization, dpop: await prove(client, token) })
    expect(reply).toMatchObject({ status: 400, code: 'credentials-ambiguous' })
  })
})

test('a proof by nobody who holds the key is a guess, and charged to the address; what its holder gets wrong is not', async () => {
  const { scheme, token, client } = known
  const quota = { limit: 1, window: '1h', burst: 1 } as const
  const policy = authenticate([scheme], { failures: { store: memoryRateLimitStore(), quota } })
  const outcome = async (proof: string) => {
    const exchange = literalExchange({ headers: { authorization: `DPoP ${token}`, dpop: proof } })
    const reply = await policy.handle(exchange, async () => ({
      kind: 'answer',
      status: 204,
      headers: {},
      body: null,
    }))
    return reply.status
  }
  const used = await prove(client, token)
  expect(await outcome(used)).toBe(204)
  expect(await outcome(used)).toBe(401)
  expect(await outcome(await prove(client, token, { iat: 0 }))).toBe(401)
  expect(await outcome(await prove(client, token))).toBe(204)
  expect(await outcome(await prove({ ...(await createClient()), jwk: client.jwk }, token))).toBe(401)
  expect(await outcome(await prove(client, token))).toBe(429)
})

test('events say what failed; they and the answer hold nothing of the proof or the token', async () => {
  const { token, client } = known
  const dpop = await prove(client, token, { htu: 'https://api.example/secret', jti: 'marked' })
  const { exchange, reply } = await send({ authorization: `dpop ${token}`, dpop })
  expect(exchange.events).toEqual([
    expect.objectContaining({
      type: 'auth.refused',
      code: 'credentials-invalid',
      scheme: 'dpop',
      reason: 'binding-failed',
      at: 'DPoP.htu',
    }),
  ])
  const text = JSON.stringify([exchange.events, reply])
  for (const secret of ['marked', 'secret', client.cnf.jkt, token.slice(-20), dpop.slice(-20)]) {
    expect(text).not.toContain(secret)
  }
})

describe('the metadata of a protected resource', () => {
  const base = { resource: 'https://api.example/', authorizationServers: ['https://idp.example/'] }

  test('names the algorithms of proofs, and whether tokens must be bound', () => {
    const dpop = { algorithms: ['ES256', 'EdDSA'] }
    expect(protectedResource({ ...base, dpop }).metadata).toMatchObject({
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
      dpop_bound_access_tokens_required: false,
    })
    expect(protectedResource({ ...base, dpop: { ...dpop, required: true } }).metadata).toMatchObject({
      dpop_bound_access_tokens_required: true,
    })
    expect(Object.keys(protectedResource(base).metadata).join()).not.toContain('dpop')
  })

  test.each([
    [{ algorithms: [] }, 'protectedResource: dpop.algorithms'],
    [{ algorithms: [5] }, 'protectedResource: dpop.algorithms[0]'],
    [{ algorithms: ['ES256'], required: 'yes' }, 'protectedResource: dpop.required'],
    [{ algs: ['ES256'] }, "unknown option 'algs'"],
  ])('%j is a TypeError that names the option', (dpop, message) => {
    expect(() => protectedResource({ ...base, dpop: dpop as never })).toThrow(message)
  })

  test('a client that has nothing yet is told where to get a token and for what, also without Bearer', async () => {
    const resource = protectedResource(base)
    const exchange = literalExchange({ operation: { access: { scopes: ['items:read'] } } })
    const reply = await authenticate([known.scheme], { resource }).handle(exchange, async () => {
      throw new Error('it was let in')
    })
    expect(reply.headers['www-authenticate']).toBe(
      `DPoP realm="api", algs="ES256 EdDSA", resource_metadata="${resource.metadataUrl}", scope="items:read"`,
    )
  })
})
