import { describe, expect, test } from '@jest/globals'
import { authenticate } from '../../src/auth/authenticate.js'
import { protectedResource, type ProtectedResourceOptions } from '../../src/auth/protected-resource.js'
import { composeGate } from '../../src/gate.js'
import type { Access } from '../../src/operation.js'
import type { Reply } from '../../src/reply.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { key, token } from './chain.js'

const OPTIONS: ProtectedResourceOptions = {
  resource: 'https://api.example/mcp',
  authorizationServers: ['https://idp.example/'],
}
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

describe('the metadata', () => {
  test('stands between host and path, and at the root, for strangers too, whatever Host says', async () => {
    const resource = protectedResource({
      ...OPTIONS,
      scopes: ['items:read'],
      name: 'Inventory',
      documentation: 'https://docs.example/',
    })
    expect(resource.metadataUrl).toBe('https://api.example/.well-known/oauth-protected-resource/mcp')
    for (const path of [`${WELL_KNOWN}/mcp`, WELL_KNOWN]) {
      const reply = await ask(resource, { path, origin: 'https://evil.example' })
      expect(reply).toMatchObject({ kind: 'answer', status: 200 })
      expect(reply.headers).toEqual({
        'content-type': 'application/json',
        'cache-control': 'public, max-age=3600',
        'access-control-allow-origin': '*',
      })
      expect(bodyOf(reply)).toEqual({
        resource: 'https://api.example/mcp',
        authorization_servers: ['https://idp.example/'],
        bearer_methods_supported: ['header'],
        scopes_supported: ['items:read'],
        resource_name: 'Inventory',
        resource_documentation: 'https://docs.example/',
      })
    }
  })

  test('says the resource exactly as it was given', async () => {
    for (const [given, url] of [
      ['https://api.example', 'https://api.example/.well-known/oauth-protected-resource'],
      ['https://api.example/', 'https://api.example/.well-known/oauth-protected-resource'],
      ['https://api.example/a/', 'https://api.example/.well-known/oauth-protected-resource/a/'],
    ] as const) {
      const resource = protectedResource({ ...OPTIONS, resource: given })
      expect(resource.metadataUrl).toBe(url)
      expect(bodyOf(await ask(resource, { path: new URL(url).pathname }))['resource']).toBe(given)
    }
  })

  test('opens no other path and no other method', async () => {
    const resource = protectedResource(OPTIONS)
    const shut = [
      `${WELL_KNOWN}/`,
      `${WELL_KNOWN}/mcp/`,
      `${WELL_KNOWN}/other`,
      `${WELL_KNOWN}/mcp/../..`,
      '/mcp',
    ]
    for (const path of shut) expect((await ask(resource, { path })).status).toBe(401)
    expect((await ask(resource, { path: `${WELL_KNOWN}/mcp`, method: 'POST' })).status).toBe(401)
    expect((await ask(resource, { path: `${WELL_KNOWN}/mcp`, method: 'HEAD' })).status).toBe(200)
  })
})

describe('challenges', () => {
  const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"'

  test('name the metadata for tokens, and the scopes to ask for, and leave other schemes alone', async () => {
    const access = { scopes: [['items:read', 'audit'], ['admin']] }
    const reply = await ask(protectedResource(OPTIONS), { access })
    expect(reply.headers['www-authenticate']).toEqual([
      `Bearer realm="api", ${metadata}, scope="items:read audit"`,
      'ApiKey realm="api"',
    ])
    const anonymous = await ask(protectedResource(OPTIONS), { access: { ...access, mode: 'anonymous' } })
    expect(anonymous.headers['www-authenticate']).toEqual(reply.headers['www-authenticate'])
  })

  test('name it with every error of a token', async () => {
    expect(await challengeOf('Bearer bad')).toEqual([
      `Bearer realm="api", ${metadata}, error="invalid_token"`,
      'ApiKey realm="api"',
    ])
    expect(await challengeOf('Bearer good', { scopes: ['items:write'] })).toBe(
      `Bearer realm="api", ${metadata}, error="insufficient_scope", scope="items:write"`,
    )
  })
})

describe('options', () => {
  test('that can’t be right name themselves', () => {
    const wrong: readonly [object, string][] = [
      [{ resource: 'http://api.example' }, 'resource'],
      [{ resource: 'https://api.example/?a' }, 'resource'],
      [{ resource: 'https://api.example/#a' }, 'resource'],
      [{ resource: 'https://u:p@api.example/' }, 'resource'],
      [{ authorizationServers: [] }, 'authorizationServers'],
      [{ authorizationServers: ['idp.example'] }, 'authorizationServers[0]'],
      [{ scopes: [] }, 'scopes'],
      [{ name: '' }, 'name'],
      [{ documentation: 'docs' }, 'documentation'],
      [{ jwks: 'x' }, 'jwks'],
    ]
    for (const [options, option] of wrong) {
      expect(() => protectedResource({ ...OPTIONS, ...options })).toThrow(option)
    }
    expect(() => authenticate([token], { resource: {} as never })).toThrow('resource')
    expect(() =>
      protectedResource({ ...OPTIONS, resource: 'http://localhost:3000/x', allowLoopback: true }),
    ).not.toThrow()
  })
})

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly origin?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly access?: Access
}

/** Sends a request through a gate that authenticates. */
async function ask(
  resource: ReturnType<typeof protectedResource>,
  { access = {}, ...init }: Asked,
): Promise<Reply> {
  const run = composeGate([resource, authenticate([token, key], { resource })])
  const answer = { kind: 'answer', status: 204, headers: {}, body: null } as const
  return run(literalExchange({ ...init, operation: { access } }), () => Promise.resolve(answer))
}

async function challengeOf(authorization: string, access: Access = {}): Promise<unknown> {
  const { headers } = await ask(protectedResource(OPTIONS), { headers: { authorization }, access })
  return headers['www-authenticate']
}

function bodyOf(reply: Reply): Record<string, unknown> {
  const body = reply.kind === 'answer' && reply.body instanceof Uint8Array ? reply.body : Buffer.from('{}')
  return JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>
}
