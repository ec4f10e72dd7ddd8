import { describe, expect, test } from '@jest/globals'
import {
  apiKey,
  apiKeyDigest,
  authenticate,
  cache,
  entityTag,
  idempotency,
  listTag,
  memoryApiKeys,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  type Policy,
  rateLimit,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { operation, restGateway } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { z } from 'zod'
import { serving } from './serve.js'

const KEY = 'ann-key-0123456789abcdef0123456789abcdef'

/** The four policies as they stand in a service, with a budget of `units`. */
function policies(units: number): Policy[] {
  const clock = new ManualClock()
  const record = {
    digest: apiKeyDigest(KEY),
    keyId: 'k1',
    subject: 'ann',
    scopes: ['items:read', 'items:write'],
  }
  return [
    authenticate([apiKey({ lookup: memoryApiKeys([record]), clock })]),
    rateLimit({
      store: memoryRateLimitStore({ clock }),
      quotas: [{ name: 'budget', limit: units, window: '1h', burst: units }],
    }),
    idempotency({ store: memoryIdempotencyStore({ clock }), clock }),
    cache({ store: memoryCacheStore({ clock }), clock }),
  ]
}

function inventory() {
  const items = new Map([['1', { id: '1', price: 5 }]])
  const runs: string[] = []
  const router = new Router({ prefix: '/v1' })
  const cached = { cache: { ttl: '1m' } as const, scopes: ['items:read'] }
  router.get(
    '/items',
    operation({
      ...cached,
      tags: ({ result }) => [
        listTag('Item'),
        ...(result as { id: string }[]).map(({ id }) => entityTag('Item', id)),
      ],
    }),
    (ctx) => {
      runs.push('list')
      ctx.body = [...items.values()]
    },
  )
  router.get(
    '/items/:id',
    operation({ ...cached, tags: ({ params }) => [entityTag('Item', params['id'] ?? '')] }),
    (ctx) => {
      runs.push('get')
      ctx.body = items.get(ctx.params['id'] ?? '') ?? ctx.throw(404)
    },
  )
  router.patch(
    '/items/:id',
    operation({
      scopes: ['items:write'],
      idempotency: 'required',
      cost: 2,
      body: z.object({ price: z.number().positive() }),
      invalidates: ({ params }) => [entityTag('Item', params['id'] ?? '')],
    }),
    (ctx) => {
      runs.push('patch')
      const item = { id: ctx.params['id'] ?? '', price: ctx.request.body.price }
      items.set(item.id, item)
      ctx.body = item
    },
  )
  return { router, runs }
}

describe('a REST gateway with all its policies', () => {
  const headers = { 'x-api-key': KEY }

  test('a write purges the stored answers of its entity, at every address that shows it', async () => {
    const { router, runs } = inventory()
    await serving([restGateway(router, { policies: policies(100) })], async (send) => {
      const read = async (target: string) => (await send(target, { headers })).json
      for (const target of ['/v1/items', '/v1/items/1', '/v1/items', '/v1/items/1']) await read(target)
      expect(runs).toEqual(['list', 'get'])
      const patched = await send('/v1/items/1', {
        method: 'PATCH',
        headers: { ...headers, 'idempotency-key': 'a' },
        json: { price: 6 },
      })
      expect(patched.status).toBe(200)
      expect([await read('/v1/items'), await read('/v1/items/1')]).toEqual([
        [{ id: '1', price: 6 }],
        { id: '1', price: 6 },
      ])
    })
  })

  test('a body that does not meet the contract leaves its key free; a retry of a good one is replayed', async () => {
    const { router, runs } = inventory()
    await serving([restGateway(router, { policies: policies(100) })], async (send) => {
      const patch = (price: number) =>
        send('/v1/items/1', {
          method: 'PATCH',
          headers: { ...headers, 'idempotency-key': 'b' },
          json: { price },
        })
      expect((await patch(-1)).status).toBe(422)
      expect((await patch(7)).status).toBe(200)
      const again = await patch(7)
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true'])
      expect((await patch(8)).json['code']).toBe('idempotency-key-reused')
      expect(runs).toEqual(['patch'])
    })
  })

  test('no key, no scope, no budget: each has its code, and the route runs for none', async () => {
    const { router, runs } = inventory()
    await serving([restGateway(router, { policies: policies(5) })], async (send) => {
      const codes = []
      for (const sent of [
        { method: 'PATCH', json: { price: 1 } },
        { method: 'PATCH', headers, json: { price: 1 } },
        { method: 'PATCH', headers: { ...headers, 'idempotency-key': 'c' }, body: '{', json: undefined },
        { method: 'PATCH', headers, json: { price: 1 } },
      ]) {
        codes.push((await send('/v1/items/1', sent)).json['code'])
      }
      expect(codes).toEqual([
        'credentials-missing',
        'idempotency-key-missing',
        'media-type-unsupported',
        'quota-exceeded',
      ])
      expect(runs).toEqual([])
    })
  })
})
