import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json as readJson } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Gateway, openGateway } from './gateway.js'

const CHAIR = { name: 'Chair', price: 120, category: 'furniture' }

let gateway: Gateway
let token: string

beforeEach(async () => {
  gateway = await openGateway()
  token = await gateway.token('ada')
})

afterEach(() => gateway.close())

describe('POST /items', () => {
  test('makes an item: 201, its address, the budget', async () => {
    const { status, headers, json } = await gateway.send('POST', '/items/', { token, json: CHAIR })

    expect(status).toBe(201)
    expect(json).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), ...CHAIR, status: 'active' })
    expect(headers.get('location')).toBe(`/items/${json.id}`)
    expect(headers.get('ratelimit')).toMatch(/^"caller";r=\d+(;t=\d+)?$/)
    expect(headers.get('ratelimit-policy')).toBe('"caller";q=300;w=60')
    expect((await gateway.send('GET', `/items/${json.id}`, { token })).json).toEqual(json)
  })

  test('what breaks the contract is 422 with each field', async () => {
    const json = { name: 'x', price: 0, colour: 'red' }
    const answer = await gateway.send('POST', '/items', { token, json })

    expect(answer.status).toBe(422)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.json).toMatchObject({ code: 'validation-failed', status: 422 })
    expect(answer.json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
      expect.arrayContaining(['/name', '/price']),
    )
    expect(gateway.created).toBe(0)
  })

  test('what is not JSON is 400', async () => {
    const headers = { 'content-type': 'application/json' }
    const answer = await gateway.send('POST', '/items', { token, headers, body: '{"name": "Chair", ' })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'body-malformed' })
  })

  test('a high price is 400 with the reason', async () => {
    const json = { name: 'Crown', price: 10_000.01 }
    const answer = await gateway.send('POST', '/items', { token, json })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.json.detail).toBe('High-value items require manual approval workflow.')
  })

  test('another media type is 415', async () => {
    const headers = { 'content-type': 'text/plain' }
    const answer = await gateway.send('POST', '/items', { token, headers, body: JSON.stringify(CHAIR) })
    expect(answer.status).toBe(415)
    expect(answer.json).toMatchObject({ code: 'media-type-unsupported' })
  })

  test('more than a mebibyte is 413 before a byte of it is sent', async () => {
    const announced = request(`${gateway.url}/items`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': 1_048_577,
      },
    })
    announced.on('error', () => undefined).flushHeaders()
    const [response] = (await once(announced, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(413)
    expect(response.headers.connection).toBe('close')
    expect(await readJson(response)).toMatchObject({ code: 'body-too-large' })
  })
})

describe('Idempotency-Key', () => {
  test('the same request again gets the same answer and makes nothing', async () => {
    const first = await gateway.send('POST', '/items', { token, key: 'k1', json: CHAIR })
    const again = await gateway.send('POST', '/items', { token, key: 'k1', json: CHAIR })

    expect(again.status).toBe(201)
    expect(again.text).toBe(first.text)
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(gateway.created).toBe(1)
  })

  test('another request with the key is 422, another caller has keys of his own', async () => {
    await gateway.send('POST', '/items', { token, key: 'k1', json: CHAIR })
    const other = await gateway.send('POST', '/items', { token, key: 'k1', json: { ...CHAIR, price: 121 } })
    expect(other.status).toBe(422)
    expect(other.json).toMatchObject({ code: 'idempotency-key-reused' })

    const grace = await gateway.token('grace')
    const hers = await gateway.send('POST', '/items', { token: grace, key: 'k1', json: CHAIR })
    expect(hers.status).toBe(201)
    expect(hers.headers.get('idempotent-replayed')).toBeNull()
    expect(gateway.created).toBe(2)
  })

  test('while the first is at work the second is 409 with Retry-After', async () => {
    const { entered, release } = gateway.hold()
    const first = gateway.send('POST', '/items', { token, key: 'k1', json: CHAIR })
    await entered
    const second = await gateway.send('POST', '/items', { token, key: 'k1', json: CHAIR })
    release()

    expect(second.status).toBe(409)
    expect(second.json).toMatchObject({ code: 'idempotency-in-flight' })
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await first).status).toBe(201)
    expect(gateway.created).toBe(1)
  })

  test('a request that never ran leaves its key free', async () => {
    const broken = await gateway.send('POST', '/items', { token, key: 'k1', json: { name: 'x' } })
    expect(broken.status).toBe(422)
    const mended = await gateway.send('POST', '/items', { token, key: 'k1', json: CHAIR })
    expect(mended.status).toBe(201)
  })

  test('a malformed key is 400', async () => {
    const { status, json } = await gateway.send('POST', '/items', { token, key: 'a,b', json: CHAIR })
    expect(status).toBe(400)
    expect(json).toMatchObject({ code: 'idempotency-key-malformed' })
  })
})

describe('who may', () => {
  test('without a token 401 and a challenge', async () => {
    const { status, headers, json } = await gateway.send('GET', '/items')
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="[^"]+"$/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(json).toMatchObject({ code: 'credentials-missing' })
  })

  test('with a token that ended 401, and why', async () => {
    await gateway.clock.advance(3_600_000 + 300_000)
    const { status, headers, json } = await gateway.send('GET', '/items', { token })
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(json).toMatchObject({ code: 'credentials-invalid' })
  })

  test('with too few scopes 403, and which', async () => {
    const reader = await gateway.token('eve', 'items:read')
    const { status, headers, json } = await gateway.send('POST', '/items', { token: reader, json: CHAIR })
    expect(status).toBe(403)
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    expect(headers.get('www-authenticate')).toContain('scope="items:write"')
    expect(json).toMatchObject({ code: 'scope-insufficient' })
  })

  test('an unknown address tells a stranger nothing', async () => {
    expect((await gateway.send('GET', '/nothing')).status).toBe(401)
    expect((await gateway.send('GET', '/nothing', { token })).json).toMatchObject({
      status: 404,
      code: 'route-unknown',
    })
    const { status, headers } = await gateway.send('PUT', '/items', { token })
    expect(status).toBe(405)
    expect(headers.get('allow')).toContain('POST')
  })
})

describe('GET /items', () => {
  test('is answered from the cache until it is stale', async () => {
    const miss = await gateway.send('GET', '/items', { token })
    const hit = await gateway.send('GET', '/items', { token })
    expect(miss.headers.get('cache-status')).toContain('fwd=uri-miss')
    expect(hit.headers.get('cache-status')).toContain('hit')
    expect(hit.text).toBe(miss.text)
    expect(hit.headers.get('ratelimit')).not.toBeNull()

    await gateway.clock.advance(60_000)
    const stale = await gateway.send('GET', '/items', { token })
    expect(stale.headers.get('cache-status')).toContain('fwd=')
  })

  test('is 304 for a client that has it', async () => {
    const { headers } = await gateway.send('GET', '/items', { token })
    const etag = headers.get('etag') ?? ''
    expect(etag).toMatch(/^"/)
    const known = await gateway.send('GET', '/items', { token, headers: { 'if-none-match': etag } })
    expect(known.status).toBe(304)
    expect(known.text).toBe('')
    expect(known.headers.get('etag')).toBe(etag)
  })

  test('is 401, not 304, for a stranger who knows the tag', async () => {
    const { headers } = await gateway.send('GET', '/items', { token })
    const etag = headers.get('etag') ?? ''
    expect((await gateway.send('GET', '/items', { headers: { 'if-none-match': etag } })).status).toBe(401)
  })

  test('checks its query', async () => {
    expect((await gateway.send('GET', '/items?first=1', { token })).json).toHaveLength(1)
    const { status, json } = await gateway.send('GET', '/items?first=many', { token })
    expect(status).toBe(400)
    expect(json.errors).toEqual([expect.objectContaining({ in: 'query', pointer: '/first' })])
  })
})

describe('an item', () => {
  test('changes, and goes', async () => {
    const patch = await gateway.send('PATCH', '/items/item-1', { token, json: { price: 35 } })
    expect(patch.status).toBe(200)
    expect(patch.json).toMatchObject({ name: 'Desk lamp', price: 35 })

    expect((await gateway.send('DELETE', '/items/item-1', { token })).status).toBe(204)
    const gone = await gateway.send('GET', '/items/item-1', { token })
    expect(gone.status).toBe(404)
    expect(gone.json).toMatchObject({ status: 404, detail: 'There is no such item.' })
    expect((await gateway.send('DELETE', '/items/item-1', { token })).status).toBe(404)
  })

  test('is fresh at every address after a change', async () => {
    const addresses = ['/items', '/items/item-1', '/api/resources/item-1']
    for (const address of addresses) await gateway.send('GET', address, { token })
    await gateway.send('PATCH', '/items/item-1', { token, json: { price: 35 } })
    for (const address of addresses) {
      const { text, headers } = await gateway.send('GET', address, { token })
      expect(text).toContain('"price":35')
      expect(headers.get('cache-status')).toContain('fwd=')
    }
  })
})

describe('the budget', () => {
  test('spent is 429, with the time to wait and the quota by name; it comes back', async () => {
    const valuation = () => gateway.send('GET', '/items/valuation', { token })
    expect((await valuation()).json).toEqual({ count: 3, total: 692.7 })
    expect((await valuation()).status).toBe(200)

    const denied = await valuation()
    expect(denied.status).toBe(429)
    expect(denied.headers.get('retry-after')).toBe('10')
    expect(denied.headers.get('ratelimit')).toBe('"caller";r=0;t=10')
    expect(denied.json).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'quota-exceeded',
      'violated-policies': ['caller'],
    })

    await gateway.clock.advance(10_000)
    expect((await valuation()).status).toBe(200)
  })

  test('is one for both protocols, and one for each caller', async () => {
    for (let count = 0; count < 2; count += 1) await gateway.send('GET', '/items/valuation', { token })
    const { status, headers, json } = await gateway.query('{ items { id } }', {}, { token })
    expect(status).toBe(429)
    expect(headers.get('retry-after')).toBe('1')
    expect(json.errors[0].extensions).toMatchObject({ code: 'QUOTA_EXCEEDED' })

    const grace = await gateway.token('grace')
    expect((await gateway.query('{ items { id } }', {}, { token: grace })).status).toBe(200)
  })
})
