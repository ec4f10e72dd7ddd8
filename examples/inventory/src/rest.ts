import { entityTag, listTag, type Tag } from '@headgate/core'
import { operation } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { z } from 'zod'
import { ItemCreate, ItemPatch } from './contracts.js'
import type { Inventory } from './inventory.js'
import type { Item } from './items.js'

const Id = z.object({ id: z.string() })
const Page = z.object({ first: z.coerce.number().int().min(0).max(100).default(20) })

const NO_ITEM = 'There is no such item.'

/** The inventory over REST. What a route demands, costs and touches stands beside its handler. */
export function inventoryRouter({ items }: Inventory): Router {
  const router = new Router()

  router.get(
    '/items',
    operation({
      scopes: ['items:read'],
      query: Page,
      cache: { ttl: '1m' },
      tags: ({ result }) => [listTag('Item'), ...(result as readonly Item[]).map(tagOf)],
    }),
    async (ctx) => {
      ctx.body = await items.list(ctx.query.first)
    },
  )

  // As dear as fifty reads: the quick way to see a quota at work.
  router.get(
    '/items/valuation',
    operation({ scopes: ['items:read'], cost: 50, cache: 'off' }),
    async (ctx) => {
      const all = await items.list(Number.POSITIVE_INFINITY)
      ctx.body = { count: all.length, total: all.reduce((sum, { price }) => sum + price, 0) }
    },
  )

  router.get(
    '/items/:id',
    operation({
      scopes: ['items:read'],
      params: Id,
      cache: { ttl: '1m' },
      tags: ({ params }) => [entityTag('Item', params.id)],
    }),
    async (ctx) => {
      ctx.body = (await items.get(ctx.params.id)) ?? ctx.throw(404, NO_ITEM)
    },
  )

  router.post(
    '/items',
    operation({
      scopes: ['items:write'],
      cost: 5,
      body: ItemCreate,
      invalidates: () => [listTag('Item')],
    }),
    async (ctx) => {
      const item = await items.create(ctx.request.body)
      ctx.status = 201
      ctx.set('Location', `/items/${item.id}`)
      ctx.body = item
    },
  )

  router.patch(
    '/items/:id',
    operation({
      scopes: ['items:write'],
      cost: 5,
      params: Id,
      body: ItemPatch,
      invalidates: ({ params }) => [entityTag('Item', params.id)],
    }),
    async (ctx) => {
      ctx.body = (await items.update(ctx.params.id, ctx.request.body)) ?? ctx.throw(404, NO_ITEM)
    },
  )

  router.delete(
    '/items/:id',
    operation({
      scopes: ['items:write'],
      cost: 5,
      params: Id,
      invalidates: ({ params }) => [entityTag('Item', params.id), listTag('Item')],
    }),
    async (ctx) => {
      if (!(await items.remove(ctx.params.id))) ctx.throw(404, NO_ITEM)
      ctx.status = 204
    },
  )

  // The same entity at a second address, as older clients know it: a write to the item purges both.
  router.get(
    '/api/resources/:id',
    operation({
      scopes: ['items:read'],
      params: Id,
      cache: { ttl: '1m' },
      tags: ({ params }) => [entityTag('Item', params.id)],
    }),
    async (ctx) => {
      const item = (await items.get(ctx.params.id)) ?? ctx.throw(404, 'There is no such resource.')
      ctx.body = { type: 'item', ...item }
    },
  )

  return router
}

function tagOf({ id }: Item): Tag {
  return entityTag('Item', id)
}
