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
  router.get('/items/:id', operation({ tags: ({ result }) => [tagOf(result as Item)] }), (ctx) =>
    ctx.params['id'] === '9' ? undefined : ctx.throw(404),
  )
  router.put(
    '/items/:id',
    operation({
      params: z.object({ id: z.coerce.number() }),
      query: z.object({ fail: z.coerce.number().optional() }),
      body: z.object({ shop: z.number() }),
      invalidates: ({ params, body, answer }) => [
        entityTag('Item', params.id),
        `Shop:${body.shop}`,
        `${answer.status}`,
      ],
    }),
    (ctx) => {
      ctx.status = ctx.query.fail ?? 204
      ctx.body = ctx.query.fail === undefined ? null : {}
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

  test('are not asked for where the handler gave no answer of its own', async () => {
    const seen: Seen[] = []
    await serving([service(seen)], async (send) => {
      expect((await send('/items/1')).status).toBe(404)
      expect((await send('/items/9')).status).toBe(404)
      expect(seen.map(({ tags }) => tags)).toEqual([[], []])
    })
  })

  test('of a write are made from the validated values; a write that failed changed nothing', async () => {
    const seen: Seen[] = []
    await serving([service(seen)], async (send) => {
      await send('/items/07', { method: 'PUT', json: { shop: 3 } })
      expect(seen[0]?.invalidates).toEqual(['Item:7', 'Shop:3', '204'])
      expect((await send('/items/7?fail=409', { method: 'PUT', json: { shop: 3 } })).status).toBe(409)
      expect(seen[1]?.invalidates).toEqual([])
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
      ['DELETE /items/:id', 'write', 1, 'off', { mode: 'anonymous' }, {}],
      ['PUT /items/:id', 'write', 1, 'required', {}, { ttl: '1m', public: true }],
      ['PATCH /items/:id', 'write', 1, 'optional', { mode: 'optional' }, {}],
    ])
  })
})
