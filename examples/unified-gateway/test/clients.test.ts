import { remoteJwks } from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Gateway, openGateway } from './gateway.js'

let gateway: Gateway

beforeEach(async () => {
  gateway = await openGateway()
})

afterEach(() => gateway.close())

/** A client that knows two things: how to POST a GraphQL query, and that `errors` means it failed. */
async function fetchUser(token: string, id: string): Promise<unknown> {
  const query = 'query GetUser($id: ID!) { user(id: $id) { name email subscription { plan status } } }'
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query, variables: { id } }),
  })
  const { data, errors } = (await response.json()) as { data: { user: unknown }; errors?: unknown }
  if (errors !== undefined) throw new Error(JSON.stringify(errors))
  return data.user
}

interface Failure {
  readonly status: number
  readonly retryAfter: string | null
}

/** A client that sends a key with everything, and retries only what says when to. */
async function fetchResource(token: string, id: string): Promise<Failure | object> {
  const response = await fetch(`${gateway.url}/api/resources/${id}`, {
    headers: { Authorization: `Bearer ${token}`, 'Idempotency-Key': `read-${id}` },
  })
  if (response.ok) return (await response.json()) as object
  return { status: response.status, retryAfter: response.headers.get('retry-after') }
}

describe('the GraphQL client', () => {
  test('gets the user', async () => {
    expect(await fetchUser(await gateway.token('ada'), 'user-1')).toEqual({
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      subscription: { plan: 'team', status: 'active' },
    })
    expect(await fetchUser(await gateway.token('ada'), 'nobody')).toBeNull()
  })

  test('sees an error when it may not', async () => {
    await expect(fetchUser('forged', 'user-1')).rejects.toThrow('CREDENTIALS_INVALID')
    await expect(fetchUser(await gateway.token('eve', 'items:read'), 'user-1')).rejects.toThrow(
      'SCOPE_INSUFFICIENT',
    )
  })
})

describe('the REST client', () => {
  test('gets the resource as JSON, with the key and again with the same key', async () => {
    const token = await gateway.token('ada')
    const lamp = { type: 'item', id: 'item-1', name: 'Desk lamp', price: 39.5, category: 'lighting' }
    expect(await fetchResource(token, 'item-1')).toMatchObject(lamp)
    expect(await fetchResource(token, 'item-1')).toMatchObject(lamp)
  })

  test('gets an honest status otherwise', async () => {
    const token = await gateway.token('ada')
    expect(await fetchResource(token, 'nothing')).toEqual({ status: 404, retryAfter: null })
    expect(await fetchResource('forged', 'item-1')).toEqual({ status: 401, retryAfter: null })
  })

  test('is told when to come back', async () => {
    const token = await gateway.token('ada')
    for (let count = 0; count < 2; count += 1) await gateway.send('GET', '/items/valuation', { token })
    expect(await fetchResource(token, 'item-1')).toEqual({ status: 429, retryAfter: '1' })
  })

  test('is told when to come back while tokens can not be checked', async () => {
    await gateway.close()
    const jwks = remoteJwks('https://issuer.example/jwks.json', {
      fetch: () => Promise.reject(new Error('away')),
      clock: new ManualClock(),
    })
    gateway = await openGateway(jwks)
    const { status, retryAfter } = (await fetchResource(await gateway.token('ada'), 'item-1')) as Failure
    jwks.close()
    expect(status).toBe(503)
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(1)
  })
})
