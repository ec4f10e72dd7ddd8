import { apiKeyDigest, memoryApiKeys, serve, type Serving } from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createApp } from '../src/app.js'

const KEYS = { writer: 'graphql-test-key-writer', reader: 'graphql-test-key-reader' }
const apiKeys = memoryApiKeys([
  {
    digest: apiKeyDigest(KEYS.writer),
    keyId: 'writer',
    subject: 'writer',
    scopes: ['items:read', 'items:write'],
  },
  { digest: apiKeyDigest(KEYS.reader), keyId: 'reader', subject: 'reader', scopes: ['items:read'] },
])

const ITEMS = '{ items { id name } }'
const CREATE = 'mutation { createItem(input: { name: "Chair", price: 120 }) { id } }'

let serving: Serving

beforeEach(async () => {
  serving = await serve(createApp({ apiKeys, clock: new ManualClock() }), { port: 0 })
})

afterEach(() => serving.drain())

interface Result {
  readonly response: Response
  readonly json: {
    readonly data?: Record<string, unknown>
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[]
  }
}

async function query(document: string, headers: Record<string, string> = {}): Promise<Result> {
  const response = await fetch(`${serving.url}/graphql`, {
    method: 'POST',
    body: JSON.stringify({ query: document }),
    headers: { 'content-type': 'application/json', 'x-api-key': KEYS.writer, ...headers },
  })
  return { response, json: (await response.json()) as Result['json'] }
}

describe('the GraphQL gateway', () => {
  test('answers, then from the cache, until a mutation', async () => {
    expect((await query(ITEMS)).json.data?.['items']).toHaveLength(3)
    expect((await query(ITEMS)).response.headers.get('cache-status')).toContain('hit')
    await query(CREATE)
    expect((await query(ITEMS)).json.data?.['items']).toHaveLength(4)
  })

  test('runs a mutation once for a key', async () => {
    const first = await query(CREATE, { 'idempotency-key': 'k1' })
    const again = await query(CREATE, { 'idempotency-key': 'k1' })
    expect(again.response.headers.get('idempotent-replayed')).toBe('true')
    expect(again.json).toEqual(first.json)
    expect((await query(ITEMS)).json.data?.['items']).toHaveLength(4)
  })

  test('refuses unknown keys and missing scopes', async () => {
    const stranger = await query(ITEMS, { 'x-api-key': 'a-key-that-nobody-has' })
    expect(stranger.response.status).toBe(401)
    expect(stranger.json.errors?.[0]?.extensions.code).toBe('CREDENTIALS_INVALID')
    const reader = await query(CREATE, { 'x-api-key': KEYS.reader })
    expect(reader.response.status).toBe(403)
    expect(reader.json.errors?.[0]?.extensions.code).toBe('SCOPE_INSUFFICIENT')
  })

  test('answers probes before the gate', async () => {
    for (const probe of ['/healthz', '/readyz']) expect((await fetch(serving.url + probe)).status).toBe(200)
  })
})
