import { describe, test } from '@jest/globals'
import { entityTag, gate, listTag } from '@headgate/core'
import {
  gateScenarios,
  type ScenarioAction,
  type ScenarioItem,
  type ScenarioItems,
} from '@headgate/core/testing'
import { Router } from '@koa/router'
import Koa from 'koa'
import { z } from 'zod'
import { operation, rest } from '../src/index.js'

const ItemInput = z.object({ name: z.string().min(2) })

function routes(items: ScenarioItems): Router {
  const router = new Router()
  const write = { scopes: ['items:write'] }
  const cache = { ttl: '60s' } as const
  const params = z.object({ id: z.string() })

  router.get(
    '/items/:id',
    operation({ params, cache, tags: (call) => [entityTag('Item', call.params.id)] }),
    (ctx) => void (ctx.body = items.read(ctx.params.id)),
  )
  router.get(
    '/items',
    operation({
      cache,
      tags: ({ result }) => [
        listTag('Item'),
        ...(result as ScenarioItem[]).map(({ id }) => entityTag('Item', id)),
      ],
    }),
    (ctx) => void (ctx.body = items.list()),
  )
  router.post(
    '/items',
    operation({ ...write, cost: 5, body: ItemInput, invalidates: () => [listTag('Item')] }),
    async (ctx) => {
      ctx.body = await items.create(ctx.request.body.name)
      ctx.status = 201
    },
  )
  router.patch(
    '/items/:id',
    operation({
      ...write,
      params,
      body: ItemInput,
      invalidates: (call) => [entityTag('Item', call.params.id)],
    }),
    (ctx) => void (ctx.body = items.rename(ctx.params.id, ctx.request.body.name)),
  )
  router.post(
    '/items/:id/payments',
    operation({ ...write, params, idempotency: 'required' }),
    (ctx) => void (ctx.body = items.pay(ctx.params.id)),
  )
  return router
}

function post(path: string, body: string, method = 'POST') {
  return { method, path, headers: { 'content-type': 'application/json' }, body }
}

function request(action: ScenarioAction) {
  switch (action.do) {
    case 'read':
      return { method: 'GET', path: `/items/${action.id}` }
    case 'list':
      return { method: 'GET', path: '/items' }
    case 'create':
      return post('/items', JSON.stringify({ name: action.name }))
    case 'create-invalid':
      return post('/items', JSON.stringify({ name: '' }))
    case 'rename':
      return post(`/items/${action.id}`, JSON.stringify({ name: action.name }), 'PATCH')
    case 'pay':
      return { method: 'POST', path: `/items/${action.id}/payments` }
    case 'unknown':
      return { method: 'GET', path: '/nothing' }
    case 'malformed':
      return post('/items', '{"name":')
  }
}

describe('the gate in front of REST', () => {
  const scenarios = gateScenarios({
    name: 'rest',
    serve: (policies, items) => new Koa().use(gate(policies, { channels: [rest(routes(items))] })).callback(),
    request,
    code: (answer) => (answer as { code?: string }).code,
    data: (answer) => answer,
    statuses: { unknown: 404, malformed: 400, invalid: 422, created: 201 },
  })
  for (const { name, run } of scenarios) test(name, run)
})
