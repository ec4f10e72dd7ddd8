import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { introspection } from '../../../src/auth/introspection/introspection.js'
import type { IntrospectionOptions } from '../../../src/auth/introspection/options.js'
import { ACTIVE, ENDPOINT, keyOfCaller, NOW, resultOf, server, START, TOKEN, verify } from './server.js'

describe('an active token', () => {
  test('names its subject, scopes, roles, tenant and end', async () => {
    const { ask } = server(
      { ...ACTIVE, tid: 'acme', realm: { roles: ['clerk'] } },
      {
        tenantClaim: 'tid',
        roles: { claim: ['realm', 'roles'] },
      },
    )
    expect(await ask(TOKEN)).toMatchObject({
      verdict: 'accepted',
      identity: {
        scheme: 'introspection',
        issuer: ENDPOINT,
        subject: 'ann',
        tenant: 'acme',
        scopes: ['items:read', 'items:write'],
        roles: ['clerk'],
        credentialId: 't-1',
        expiresAt: (NOW + 600) * 1_000,
      },
    })
  })

  test('of another server is another caller, whatever its answer calls the issuer', async () => {
    const [one, other] = await Promise.all([
      server(ACTIVE).ask(TOKEN),
      server(ACTIVE, { endpoint: 'https://other.example/introspect' }).ask(TOKEN),
    ])
    expect(keyOfCaller(one)).not.toBe(keyOfCaller(other))
  })

  test('gives claims that no handler can change for the next request', async () => {
    const verdict = await server(ACTIVE).ask(TOKEN)
    expect(verdict.verdict === 'accepted' && Object.isFrozen(verdict.identity.claims['aud'])).toBe(true)
  })
})

describe('what the answer says', () => {
  const rows: readonly [string, object, string, Partial<IntrospectionOptions>?][] = [
    ['not active', { active: false }, 'inactive'],
    ['another audience', { aud: 'https://other.example' }, 'wrong-audience'],
    ['no audience', { aud: undefined }, 'claim-missing'],
    ['an audience of another type', { aud: [7, 'https://api.example'] }, 'malformed'],
    ['no audience, and none is demanded', { aud: undefined }, 'accepted', { audience: false }],
    ['the issuer', {}, 'accepted', { issuer: 'https://idp.example/' }],
    ['another issuer', { iss: 'https://idp.example' }, 'wrong-issuer', { issuer: 'https://idp.example/' }],
    ['no issuer', { iss: undefined }, 'claim-missing', { issuer: 'https://idp.example/' }],
    ['no subject', { sub: undefined }, 'claim-missing'],
    ['a subject of another type', { sub: ['ann'] }, 'malformed'],
    [
      'a client in place of a subject',
      { sub: undefined, client_id: 'app' },
      'accepted',
      { subjectClaim: 'client_id' },
    ],
    ['a bound token', { cnf: { jkt: 'x' } }, 'binding-failed'],
    ['a token of another type', { token_type: 'DPoP' }, 'wrong-type'],
    ['an end long past', { exp: NOW - 31 }, 'expired'],
    ['an end within tolerance', { exp: NOW - 29 }, 'accepted'],
    ['no end', { exp: undefined }, 'accepted'],
    ['an end of another type', { exp: `${NOW + 600}` }, 'malformed'],
    ['a beginning in the future', { nbf: NOW + 31 }, 'not-yet-valid'],
    ['issued in the future', { iat: NOW + 31 }, 'issued-in-future'],
    ['a scope of another type', { scope: ['admin'] }, 'malformed'],
  ]
  for (const [title, change, expected, options] of rows) {
    test(`${title}: ${expected}`, async () => {
      expect(resultOf(await server({ ...ACTIVE, ...change }, options).ask(TOKEN))).toBe(expected)
    })
  }

  test('counts only when it is an answer: anything else is undecided, never a bad token', async () => {
    const active: readonly unknown[] = [undefined, 'true', 1, null, {}]
    const documents = [...active.map((value) => ({ ...ACTIVE, active: value })), [ACTIVE], null, 'active', 7]
    for (const document of documents) {
      const { ask, events } = server(document)
      expect(resultOf(await ask(TOKEN))).toBe('undecided')
      expect(events).toEqual([{ type: 'introspection.failed', failure: 'malformed' }])
    }
    const inherited = server(() => new Response('{"__proto__":{"active":true},"sub":"ann"}'))
    expect(resultOf(await inherited.ask(TOKEN))).toBe('undecided')
  })
})

describe('what is sent there', () => {
  test('is no token that can not be one: nothing is asked about it', async () => {
    const { ask, calls } = server(ACTIVE)
    const junk = ['', ' ', 'a b', 'a"b', 'é', 'a\n', 'a=b', 'x'.repeat(4_097), 'aaa.bbb.ccc']
    for (const token of junk) expect(resultOf(await ask(token))).toBe('malformed')
    expect(calls()).toBe(0)
    const { ask: askAll } = server(ACTIVE, { tokens: 'all' })
    expect(resultOf(await askAll('aaa.bbb.ccc'))).toBe('accepted')
  })

  test('any string gives a verdict', async () => {
    const { ask } = server(ACTIVE)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (token) => {
        expect(['accepted', 'malformed']).toContain(resultOf(await ask(token)))
      }),
    )
  })

  test('is a form, with our credentials form-encoded in Basic, over a real socket; redirects are not followed', async () => {
    const seen: { request: IncomingMessage; body: string }[] = []
    const http = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        seen.push({ request, body })
        if (seen.length > 1) response.writeHead(307, { location: '/elsewhere' }).end()
        else response.setHeader('content-type', 'application/json').end(JSON.stringify(ACTIVE))
      })
    }).listen(0, '127.0.0.1')
    try {
      await once(http, 'listening')
      const { port } = http.address() as AddressInfo
      const scheme = introspection({
        endpoint: `http://127.0.0.1:${port}/introspect`,
        allowLoopback: true,
        client: { id: 'gate way', secret: 'a:b%' },
        audience: 'https://api.example',
        deadline: '10s',
        clock: { now: () => START, after: () => () => undefined },
      })
      expect(resultOf(await verify(scheme, 'a+b/c=='))).toBe('accepted')
      expect(resultOf(await verify(scheme, 'other'))).toBe('undecided')
      expect(seen).toHaveLength(2)
      const [{ request, body } = { request: undefined, body: '' }] = seen
      expect(request?.method).toBe('POST')
      expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
      expect(request?.headers.authorization).toBe(`Basic ${btoa('gate+way:a%3Ab%25')}`)
      expect(body).toBe('token=a%2Bb%2Fc%3D%3D&token_type_hint=access_token')
    } finally {
      http.closeAllConnections()
      http.close()
    }
  })

  test('may carry an Authorization value that is made anew for each call', async () => {
    const sent: string[] = []
    let number = 0
    const { ask } = server(
      (_, init) => {
        sent.push(init.headers['authorization'] ?? '')
        return Response.json(ACTIVE)
      },
      { client: undefined as never, authorization: async () => `Bearer own-${++number}` },
    )
    await ask('one')
    await ask('two')
    expect(sent).toEqual(['Bearer own-1', 'Bearer own-2'])
  })
})

describe('options', () => {
  test('that can’t be right name themselves, and never quote a secret', () => {
    const good = { endpoint: ENDPOINT, client: { id: 'gate', secret: 'sesame' }, audience: 'api' }
    const wrong: readonly [object, string][] = [
      [{ ...good, endpoint: 'http://idp.example/x' }, 'endpoint'],
      [{ ...good, endpoint: 'https://a:sesame@idp.example/x' }, 'endpoint'],
      [{ ...good, client: undefined }, 'client'],
      [{ ...good, authorization: 'Bearer sesame' }, 'client'],
      [{ ...good, client: { id: '', secret: 'sesame' } }, 'client.id'],
      [{ ...good, audience: undefined }, 'audience'],
      [{ ...good, audience: [] }, 'audience'],
      [{ ...good, tokens: 'jwt' }, 'tokens'],
      [{ ...good, clockTolerance: '6m' }, 'clockTolerance'],
      [{ ...good, cache: { size: 1 } }, 'size'],
      [{ ...good, deadline: 0 }, 'deadline'],
      [{ ...good, maxConcurrent: 0 }, 'maxConcurrent'],
      [{ ...good, retries: 3 }, 'retries'],
    ]
    for (const [options, option] of wrong) {
      expect(() => introspection(options as never)).toThrow(option)
      expect(() => introspection(options as never)).not.toThrow('sesame')
    }
  })
})
