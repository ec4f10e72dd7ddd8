import { describe, expect, test } from '@jest/globals'
import { entityTag, listTag } from '@headgate/core'
import { Router } from '@koa/router'
import { operation, restGateway } from '@headgate/rest-adapter'
import { z } from 'zod'
import { serving } from './serve.js'
import { type Seen, stubObserver } from './stub-policies.js'

interface Item {
  readonly id: number
  readonly name: string
}

function service(seen: Seen[]) {
  const router = new Router()
  router.get(
    '/items',
    operation({ tags: ({ result }) => [listTag('Item'), ...(result as Item[]).map(tagOf)] }),
    (ctx) => {
      ctx.body = [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ] satisfies Item[]
    },
  )
  router.put(
    '/items/:id',
    operation({
      params: z.object({ id: z.coerce.number() }),
      query: z.object({ fail: z.coerce.number().optional() }),
      body: z.object({ shop: z.number() }),
      invalidates: ({ params, body, answer, result }) => [
        entityTag('Item', params.id),
        `Shop:${body.shop}`,
        `${answer.status}`,
        ...(result === undefined ? ['no result'] : []),
      ],
    }),
    (ctx) => {
      ctx.body = { half: 'done' }
      if (ctx.query.fail !== undefined) ctx.throw(ctx.query.fail, { expose: true })
      ctx.status = 204
    },
  )
  return restGateway(router, { policies: [stubObserver(seen)] })
}

const done = (ctx: { body: unknown }): void => {
  ctx.body = 'done'
}

const tagOf = ({ id }: Item): string => entityTag('Item', id)

describe('tags', () => {
  test('of a read are made from what the handler set, before it became bytes', async () => {
    const seen: Seen[] = []
    await serving([service(seen)], async (send) => {
      await send('/items')
      expect(seen[0]?.tags).toEqual(['Item[]', 'Item:1', 'Item:2'])
    })
  })

  test('of a write are made from the validated values and the answer', async () => {
    const seen: Seen[] = []
    await serving([service(seen)], async (send) => {
      await send('/items/07', { method: 'PUT', json: { shop: 3 } })
      expect(seen[0]?.invalidates).toEqual(['Item:7', 'Shop:3', '204'])
    })
  })

  test('a handler that threw leaves no result, and the rest of the context all the same', async () => {
    const seen: Seen[] = []
    await serving([service(seen)], async (send) => {
      expect((await send('/items/7?fail=503', { method: 'PUT', json: { shop: 3 } })).status).toBe(503)
      expect(seen[0]?.invalidates).toEqual(['Item:7', 'Shop:3', '503', 'no result'])
    })
  })
})

describe('the fingerprint', () => {
  test('differs by body and query, and not by anything else', async () => {
    const seen: Seen[] = []
    const router = new Router()
    router.post('/', (ctx) => {
      ctx.body = 'done'
    })
    await serving([restGateway(router, { policies: [stubObserver(seen)] })], async (send) => {
      const post = (target: string, json: unknown) => send(target, { method: 'POST', json })
      for (const target of ['/', '/', '/?a=1']) await post(target, { a: 1 })
      await post('/', { a: 2 })
      const [first, again, query, body] = seen.map(({ fingerprint }) => fingerprint)
      expect(again).toBe(first)
      expect(new Set([first, query, body]).size).toBe(3)
    })
  })
})

describe('an operation', () => {
  test("has what its declaration says, and the method's defaults for the rest", async () => {
    const seen: Seen[] = []
    const router = new Router()
    router.post('/search', operation({ name: 'search', effect: 'read', cost: 7, cache: 'off' }), done)
    router.delete('/items/:id', operation({ access: 'anonymous' }), done)
    router.put('/items/:id', operation({ idempotency: 'required', cache: { ttl: '1m', public: true } }), done)
    router.patch('/items/:id', operation({ access: 'optional' }), done)
    await serving([restGateway(router, { policies: [stubObserver(seen)] })], async (send) => {
      await send('/search', { method: 'POST' })
      for (const method of ['DELETE', 'PUT', 'PATCH']) await send('/items/1', { method })
    })
    expect(
      seen.map(({ operation: { name, effect, cost, idempotency, access, cache } }) => [
        name,
        effect,
        cost,
        idempotency,
        access,
        cache,
      ]),
    ).toEqual([
      ['search', 'read', 7, 'optional', {}, 'off'],
      ['DELETE /items/:id', 'write', 1, 'off', { mode: 'anonymous' }, 'off'],
      ['PUT /items/:id', 'write', 1, 'required', {}, { ttl: '1m', public: true }],
      ['PATCH /items/:id', 'write', 1, 'optional', { mode: 'optional' }, 'off'],
    ])
  })
})
