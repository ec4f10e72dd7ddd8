import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Gateway, openGateway } from './gateway.js'

const CREATE = 'mutation Create($input: ItemCreate!) { createItem(input: $input) { id name status } }'
const ITEMS = 'query Items { items { id name price } }'
const CHAIR = { input: { name: 'Chair', price: 120 } }

let gateway: Gateway
let token: string

beforeEach(async () => {
  gateway = await openGateway()
  token = await gateway.token('ada')
})

afterEach(() => gateway.close())

describe('a query', () => {
  test('is answered, then from the cache', async () => {
    const miss = await gateway.query(ITEMS, {}, { token })
    const hit = await gateway.query(`${ITEMS} # the same`, {}, { token })
    expect(miss.status).toBe(200)
    expect(miss.json.data.items).toHaveLength(3)
    expect(hit.headers.get('cache-status')).toContain('hit')
    expect(hit.text).toBe(miss.text)
  })

  test('of another caller is not answered from it', async () => {
    await gateway.query(ITEMS, {}, { token })
    const { headers } = await gateway.query(ITEMS, {}, { token: await gateway.token('grace') })
    expect(headers.get('cache-status')).toContain('fwd=')
  })

  test('over GET is 304 for a client that has the answer', async () => {
    const path = `/graphql?query=${encodeURIComponent(ITEMS)}`
    const { status, headers } = await gateway.send('GET', path, { token })
    expect(status).toBe(200)
    const etag = headers.get('etag') ?? ''
    const known = await gateway.send('GET', path, { token, headers: { 'if-none-match': etag } })
    expect(known.status).toBe(304)
  })

  test('that does not parse or does not fit the schema is 400 for clients of the new media type', async () => {
    const headers = { accept: 'application/graphql-response+json' }
    for (const document of ['{ items', '{ nothing }']) {
      const { status, json } = await gateway.query(document, {}, { token, headers })
      expect(status).toBe(400)
      expect(json.errors).not.toHaveLength(0)
      expect(json).not.toHaveProperty('data')
    }
  })
})

describe('who may', () => {
  test('without a token 401, with too few scopes 403, both as GraphQL answers', async () => {
    const stranger = await gateway.query(ITEMS)
    expect(stranger.status).toBe(401)
    expect(stranger.headers.get('www-authenticate')).toMatch(/^Bearer realm=/)
    expect(stranger.json.errors[0].extensions).toMatchObject({ code: 'CREDENTIALS_MISSING' })

    const reader = await gateway.token('eve', 'items:read')
    const refused = await gateway.query(CREATE, CHAIR, { token: reader })
    expect(refused.status).toBe(403)
    expect(refused.json.errors[0].extensions).toMatchObject({ code: 'SCOPE_INSUFFICIENT' })
    expect(gateway.created).toBe(0)
  })
})

describe('a mutation', () => {
  test('makes an item that REST knows too', async () => {
    const { status, json } = await gateway.query(CREATE, CHAIR, { token })
    expect(status).toBe(200)
    expect(json.data.createItem).toMatchObject({ name: 'Chair', status: 'active' })
    expect((await gateway.send('GET', `/items/${json.data.createItem.id}`, { token })).status).toBe(200)
  })

  test('with a key is done once; the same again is its answer', async () => {
    const first = await gateway.query(CREATE, CHAIR, { token, key: 'k1' })
    const again = await gateway.query(CREATE, CHAIR, { token, key: 'k1' })
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(gateway.created).toBe(1)

    const other = await gateway.query(CREATE, { input: { name: 'Stool', price: 20 } }, { token, key: 'k1' })
    expect(other.status).toBe(422)
    expect(other.json.errors[0].extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  test('whose key is at work is 409 with Retry-After', async () => {
    const { entered, release } = gateway.hold()
    const first = gateway.query(CREATE, CHAIR, { token, key: 'k1' })
    await entered
    const second = await gateway.query(CREATE, CHAIR, { token, key: 'k1' })
    release()
    expect(second.status).toBe(409)
    expect(second.headers.get('retry-after')).not.toBeNull()
    expect(second.json.errors[0].extensions).toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' })
    expect((await first).json.data.createItem).toMatchObject({ name: 'Chair' })
    expect(gateway.created).toBe(1)
  })

  test('meets the contract and the business rule of REST', async () => {
    const broken = await gateway.query(CREATE, { input: { name: 'x', price: 0 } }, { token })
    expect(broken.json.errors[0].extensions).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/name' }, { pointer: '/price' }],
    })
    const dear = await gateway.query(CREATE, { input: { name: 'Crown', price: 10_001 } }, { token })
    expect(dear.json.errors[0].message).toBe('High-value items require manual approval workflow.')
  })

  test('is never run over GET', async () => {
    const mutation = encodeURIComponent('mutation { deleteItem(id: "item-1") }')
    const { status, headers } = await gateway.send('GET', `/graphql?query=${mutation}`, { token })
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('POST')
    expect((await gateway.send('GET', '/items/item-1', { token })).status).toBe(200)
  })
})
