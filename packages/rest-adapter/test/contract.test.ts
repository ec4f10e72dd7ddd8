import { describe, expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { operation, restGateway } from '@headgate/rest-adapter'
import { z } from 'zod'
import { type Send, serving } from './serve.js'
import { type Seen, stubAuthenticate, stubLimit, stubObserver } from './stub-policies.js'

const ItemCreate = z.object({
  name: z.string().min(2).max(100),
  price: z.number().positive(),
  category: z.string().optional(),
})

interface Sight {
  readonly seen: Seen[]
  readonly ran: unknown[]
  readonly errors: Error[]
}

/** A POST /items with a contract; `ran` are the bodies its handler got. */
async function itemsService(run: (send: Send, sight: Sight) => Promise<void>): Promise<void> {
  const seen: Seen[] = []
  const ran: unknown[] = []
  const router = new Router()
  router.post('/items', operation({ body: ItemCreate, scopes: ['items:write'], bodyLimit: 200 }), (ctx) => {
    ran.push(ctx.request.body)
    ctx.status = 201
    ctx.body = { id: 1, name: ctx.request.body.name }
  })
  const gateway = restGateway(router, { policies: [stubAuthenticate(), stubLimit(30), stubObserver(seen)] })
  await serving([gateway], (send, errors) => run(send, { seen, ran, errors }))
}

const ann = { authorization: 'Bearer ann items:write' }
const good = JSON.stringify({ name: 'Lamp', price: 12 })

describe("the body's contract", () => {
  test('the handler gets the value the schema returns, without what it does not know', async () => {
    await itemsService(async (send, { ran }) => {
      const json = { name: 'Lamp', price: 12, admin: true }
      const answer = await send('/items', { method: 'POST', headers: ann, json })
      expect([answer.status, answer.json]).toEqual([201, { id: 1, name: 'Lamp' }])
      expect(ran).toEqual([{ name: 'Lamp', price: 12 }])
    })
  })

  test('each field problem is one entry with its JSON pointer; nothing runs, nothing is claimed', async () => {
    await itemsService(async (send, { seen, ran }) => {
      const json = { name: 'L', price: -1 }
      const answer = await send('/items', { method: 'POST', headers: ann, json })
      expect([answer.status, answer.json['code']]).toEqual([422, 'validation-failed'])
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(answer.json['errors']).toEqual([
        { pointer: '/name', detail: expect.any(String) },
        { pointer: '/price', detail: expect.any(String) },
      ])
      expect([seen, ran]).toEqual([[], []])
    })
  })

  test('who asks comes first, then how much, then the contract', async () => {
    await itemsService(async (send) => {
      expect((await send('/items', { method: 'POST', body: '{' })).status).toBe(401)
      const reader = { authorization: 'Bearer ann items:read' }
      expect((await send('/items', { method: 'POST', headers: reader, body: '{' })).status).toBe(403)
      const malformed = await send('/items', {
        method: 'POST',
        headers: { ...ann, 'content-type': 'application/json' },
        body: '{',
      })
      expect([malformed.status, malformed.headers['ratelimit']]).toEqual([400, '"stub";r=29'])
    })
  })

  test.each<[string, number, string, Record<string, string>, string | Uint8Array]>([
    ['no Content-Type', 415, 'media-type-unsupported', {}, good],
    ['another type', 415, 'media-type-unsupported', { 'content-type': 'text/plain' }, good],
    [
      'a +json type that was not declared',
      415,
      'media-type-unsupported',
      { 'content-type': 'application/a+json' },
      good,
    ],
    [
      'another charset',
      415,
      'media-type-unsupported',
      { 'content-type': 'application/json; charset=latin1' },
      good,
    ],
    [
      'a compressed body',
      415,
      'media-type-unsupported',
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      good,
    ],
    ['half a document', 400, 'body-malformed', { 'content-type': 'application/json' }, '{"name":'],
    [
      'bytes that are no UTF-8',
      400,
      'body-malformed',
      { 'content-type': 'application/json' },
      Buffer.from('"\xff"', 'latin1'),
    ],
    [
      'a prototype as a member',
      400,
      'body-malformed',
      { 'content-type': 'application/json' },
      '{"__proto__":{}}',
    ],
    [
      'more bytes than the limit',
      413,
      'body-too-large',
      { 'content-type': 'application/json' },
      `"${'x'.repeat(200)}"`,
    ],
    [
      'more bytes than the limit, not announced',
      413,
      'body-too-large',
      { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      `"${'x'.repeat(200)}"`,
    ],
    ['no content', 422, 'validation-failed', {}, ''],
  ])('%s is %i %s', async (_title, status, code, headers, body) => {
    await itemsService(async (send, { ran, errors }) => {
      const answer = await send('/items', { method: 'POST', headers: { ...ann, ...headers }, body })
      expect([answer.status, answer.json['code']]).toEqual([status, code])
      expect([ran, errors]).toEqual([[], []])
    })
  })

  test('two Content-Type lines are refused: who reads the first and who the last would differ', async () => {
    await itemsService(async (send) => {
      const types = ['application/json', 'text/plain']
      const answer = await send('/items', {
        method: 'POST',
        headers: { ...ann, 'content-type': types },
        body: good,
      })
      expect(answer.status).toBe(415)
    })
  })

  test.each([
    'application/json;charset=utf-8',
    'Application/JSON; charset="UTF-8"',
    'application/json ; q=1',
  ])('%s is JSON', async (type) => {
    await itemsService(async (send) => {
      const answer = await send('/items', {
        method: 'POST',
        headers: { ...ann, 'content-type': type },
        body: good,
      })
      expect(answer.status).toBe(201)
    })
  })

  test('a 415 says what would be read', async () => {
    await itemsService(async (send) => {
      const type = await send('/items', { method: 'POST', headers: ann, body: good })
      expect(type.headers.accept).toBe('application/json')
      const coded = { ...ann, 'content-type': 'application/json', 'content-encoding': 'br' }
      const coding = await send('/items', { method: 'POST', headers: coded, body: good })
      expect(coding.headers['accept-encoding']).toBe('identity')
    })
  })

  test('declared media types replace JSON; an optional body may be left out; a schema may be asynchronous', async () => {
    const router = new Router()
    const Patch = z
      .object({ name: z.string() })
      .optional()
      .refine(async (value) => value?.name !== 'taken', 'is taken')
    const mediaTypes = ['application/merge-patch+json']
    router.patch('/items/:id', operation({ body: Patch, mediaTypes }), (ctx) => {
      ctx.body = { got: ctx.request.body ?? null }
    })
    await serving([restGateway(router, { policies: [] })], async (send) => {
      const headers = { 'content-type': 'application/merge-patch+json' }
      const patch = (name: string) =>
        send('/items/1', { method: 'PATCH', headers, body: JSON.stringify({ name }) })
      expect((await patch('free')).json).toEqual({ got: { name: 'free' } })
      expect((await patch('taken')).json['errors']).toEqual([{ pointer: '', detail: 'is taken' }])
      expect((await send('/items/1', { method: 'PATCH', json: { name: 'free' } })).status).toBe(415)
      expect((await send('/items/1', { method: 'PATCH' })).json).toEqual({ got: null })
    })
  })
})

describe('the contract of path and query', () => {
  const router = new Router()
  router.get(
    '/shops/:shop/items',
    operation({
      params: z.object({ shop: z.coerce.number().int() }),
      query: z.object({ first: z.coerce.number().max(100).default(20), q: z.string().optional() }),
    }),
    (ctx) => {
      ctx.body = { params: ctx.params, query: ctx.query, same: ctx.query === ctx.request.query }
    },
  )

  test('the handler gets the values, numbers and defaults included', async () => {
    await serving([restGateway(router, { policies: [] })], async (send) => {
      expect((await send('/shops/7/items?q=x&more=1')).json).toEqual({
        params: { shop: 7 },
        query: { first: 20, q: 'x' },
        same: true,
      })
    })
  })

  test('what does not meet it is 400 and says which part', async () => {
    await serving([restGateway(router, { policies: [] })], async (send) => {
      const path = await send('/shops/x/items?first=200')
      expect([path.status, path.json['code']]).toEqual([400, 'request-malformed'])
      expect(path.json['errors']).toEqual([{ in: 'path', pointer: '/shop', detail: expect.any(String) }])
      const query = await send('/shops/7/items?first=200&first=3')
      expect(query.json['errors']).toEqual([{ in: 'query', pointer: '/first', detail: expect.any(String) }])
    })
  })
})
