import { serve, type Serving } from '@headgate/core'
import { developmentIssuer } from '@headgate-example/inventory'
import { ManualClock } from '@headgate/core/testing'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createApp } from '../src/app.js'

const CHAIR = JSON.stringify({ name: 'Chair', price: 120 })

let serving: Serving
let clock: ManualClock
let token: string

beforeEach(async () => {
  clock = new ManualClock()
  const issuer = await developmentIssuer({ issuer: 'http://localhost', audience: 'inventory', clock })
  serving = await serve(createApp({ tokens: issuer.tokens, developmentIssuer: issuer, clock }), { port: 0 })
  const scope = 'items:read items:write'
  const answer = await send('POST', '/dev/token', JSON.stringify({ sub: 'ada', scope }))
  token = ((await answer.json()) as { access_token: string }).access_token
})

afterEach(() => serving.drain())

function send(
  method: string,
  path: string,
  body?: string,
  headers?: Record<string, string>,
): Promise<Response> {
  return fetch(serving.url + path, {
    method,
    body: body ?? null,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      ...headers,
    },
  })
}

describe('the REST gateway', () => {
  test('makes an item once for a key', async () => {
    const first = await send('POST', '/items', CHAIR, { 'idempotency-key': 'k1' })
    const again = await send('POST', '/items', CHAIR, { 'idempotency-key': 'k1' })
    expect(first.status).toBe(201)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await again.text()).toBe(await first.text())
    expect(await (await send('GET', '/items')).json()).toHaveLength(4)
  })

  test('reads from the cache until a write', async () => {
    await send('GET', '/items/item-1')
    expect((await send('GET', '/items/item-1')).headers.get('cache-status')).toContain('hit')
    await send('PATCH', '/items/item-1', JSON.stringify({ price: 35 }))
    expect(await (await send('GET', '/items/item-1')).json()).toMatchObject({ price: 35 })
  })

  test('refuses strangers, bodies that break the contract, and unknown addresses', async () => {
    expect((await send('GET', '/items', undefined, { authorization: 'Bearer forged' })).status).toBe(401)
    expect((await send('POST', '/items', '{"name":"x"}')).status).toBe(422)
    expect((await send('GET', '/nothing')).status).toBe(404)
  })

  test('refuses who has spent the budget', async () => {
    for (let count = 0; count < 2; count += 1) await send('GET', '/items/valuation')
    const denied = await send('GET', '/items/valuation')
    expect(denied.status).toBe(429)
    expect(denied.headers.get('retry-after')).toBe('10')
    await clock.advance(10_000)
    expect((await send('GET', '/items/valuation')).status).toBe(200)
  })

  test('publishes the key of its tokens', async () => {
    const answer = await send('GET', '/.well-known/jwks.json')
    expect(answer.headers.get('content-type')).toContain('application/jwk-set+json')
    expect(await answer.json()).toEqual({ keys: [expect.objectContaining({ alg: 'ES256', use: 'sig' })] })
  })

  test('answers probes before the gate', async () => {
    for (const probe of ['/healthz', '/readyz']) {
      expect((await send('GET', probe, undefined, { authorization: 'Bearer forged' })).status).toBe(200)
    }
  })
})
