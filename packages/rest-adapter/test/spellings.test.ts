import { describe, expect, test } from '@jest/globals'
import {
  authenticate,
  apiKey,
  apiKeyDigest,
  cache,
  gate,
  idempotency,
  memoryApiKeys,
  memoryStores,
} from '@headgate/core'
import { operation, rest, restGateway } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import type { Middleware } from 'koa'
import { serving } from './serve.js'

const KEY = 'ann-key-0000000000000'
const CALLER = { 'x-api-key': KEY }
const SPELLINGS = ['/items/1', '/items/1/', '/ITEMS/1', '/items/%31', '/Items/%31/'] as const

/** A service whose answers count: the same number is the same answer. */
function gateway() {
  const stores = memoryStores()
  const runs = { posts: 0, reads: 0 }
  const router = new Router()
  router.get('/items/:id', operation({ cache: { ttl: '1m' } }), (ctx) => {
    ctx.body = `read ${(runs.reads += 1)}`
  })
  router.post('/items/:item', operation({ idempotency: 'required' }), (ctx) => {
    ctx.body = `post ${(runs.posts += 1)}`
  })
  router.patch('/items/:item', (ctx) => void (ctx.status = 204))
  router.post('/orders', (ctx) => {
    ctx.set('Location', String(ctx.query['at']))
    ctx.status = 201
  })
  const record = { digest: apiKeyDigest(KEY), keyId: 'k', subject: 'ann' }
  const policies = [
    authenticate([apiKey({ lookup: memoryApiKeys([record]) })]),
    idempotency({ store: stores.idempotency }),
    cache({ store: stores.cache }),
  ]
  return { runs, middleware: restGateway(router, { policies }) }
}

describe('other spellings of a path that lead to the same route', () => {
  test('share an idempotency key: a retry by another spelling runs nothing', async () => {
    const { runs, middleware } = gateway()
    await serving([middleware], async (send) => {
      const post = (path: string) =>
        send(path, { method: 'POST', headers: { ...CALLER, 'idempotency-key': 'key-1' } })
      for (const path of SPELLINGS) expect((await post(path)).text).toBe('post 1')
      expect((await post('/items/2')).text).toBe('post 2')
      expect(runs.posts).toBe(2)
    })
  })

  test('share a stored answer', async () => {
    const { runs, middleware } = gateway()
    await serving([middleware], async (send) => {
      for (const path of SPELLINGS) expect((await send(path, { headers: CALLER })).text).toBe('read 1')
      expect((await send('/items/%32', { headers: CALLER })).text).toBe('read 2')
      expect(runs.reads).toBe(2)
    })
  })

  test.each(['/items/1', 'http://127.0.0.1/items/1', '../items/1'])(
    'keep no redirect to each other: who follows %s would be led in a circle',
    async (location) => {
      const router = new Router()
      router.use((ctx, next) => {
        if (ctx.path === '/items/1') return next()
        ctx.status = 301
        return ctx.redirect(location)
      })
      router.get('/items/:id', operation({ cache: { ttl: '1m', public: true } }), (ctx) => {
        ctx.body = 'here'
      })
      const policies = [cache({ store: memoryStores().cache })]
      await serving([restGateway(router, { policies })], async (send) => {
        const moved = await send('/Items/1')
        expect(moved.headers.location).toBe(location)
        expect(moved.headers['cache-status']).toContain('detail=spelling')
        expect((await send('/items/1')).text).toBe('here')
      })
    },
  )

  test('send a keyed request on from one to the other, and it runs there, once', async () => {
    const stores = memoryStores()
    const router = new Router()
    let posts = 0
    router.use((ctx, next) => {
      if (!ctx.path.endsWith('/')) return next()
      ctx.status = 308
      return ctx.redirect(ctx.path.slice(0, -1))
    })
    router.post('/orders', operation({ idempotency: 'required' }), (ctx) => {
      ctx.body = `post ${(posts += 1)}`
    })
    const policies = [idempotency({ store: stores.idempotency, anonymous: true })]
    await serving([restGateway(router, { policies })], async (send) => {
      const post = (path: string) => send(path, { method: 'POST', headers: { 'idempotency-key': 'key-1' } })
      const moved = await post('/orders/')
      expect([moved.status, moved.headers.location]).toEqual([308, '/orders'])
      expect((await post('/orders')).text).toBe('post 1')
      expect((await post('/orders/')).text).toBe('post 1')
    })
  })

  test.each(SPELLINGS)('are all forgotten when a write uses %s', async (written) => {
    const { middleware } = gateway()
    await serving([middleware], async (send) => {
      expect((await send('/ITEMS/1/', { headers: CALLER })).text).toBe('read 1')
      expect((await send(written, { method: 'PATCH', headers: CALLER })).status).toBe(204)
      expect((await send('/items/1', { headers: CALLER })).text).toBe('read 2')
    })
  })

  test.each(SPELLINGS)('are all forgotten when an answer names %s', async (named) => {
    const { middleware } = gateway()
    await serving([middleware], async (send) => {
      expect((await send('/ITEMS/1/', { headers: CALLER })).text).toBe('read 1')
      const at = encodeURIComponent(named)
      expect((await send(`/orders?at=${at}`, { method: 'POST', headers: CALLER })).status).toBe(201)
      expect((await send('/items/1', { headers: CALLER })).text).toBe('read 2')
    })
  })
})

/** Posts orders at hosts with one key, and tells what each got. */
async function posted(routers: readonly Router[], hosts: readonly string[]): Promise<readonly string[]> {
  const policies = [idempotency({ store: memoryStores().idempotency, anonymous: true })]
  const texts: string[] = []
  await serving([gate(policies, { channels: routers.map((router) => rest(router)) })], async (send) => {
    for (const host of hosts) {
      const headers = { host, 'idempotency-key': 'order-17' }
      texts.push((await send('/orders', { method: 'POST', headers })).text)
    }
  })
  return texts
}

function shop(host?: string | RegExp): Router {
  const router = new Router(host === undefined ? {} : { host })
  let orders = 0
  router.get('/orders', operation({ cache: { ttl: '1m', public: true } }), (ctx) => {
    ctx.body = `orders at ${ctx.host}`
  })
  router.post('/orders', operation({ idempotency: 'required' }), (ctx) => {
    ctx.body = `order ${(orders += 1)} at ${ctx.host}`
  })
  return router
}

/** Koa then takes the host from `X-Forwarded-Host`. */
const behind: Middleware = (ctx, next) => {
  Object.assign(ctx.app, { proxy: true, maxIpsCount: 1 })
  return next()
}

describe('hosts behind one gate', () => {
  test('are services of their own where each has a router: one key is two orders', async () => {
    const routers = [shop('a.example'), shop('b.example')]
    expect(await posted(routers, ['a.example', 'b.example', 'a.example', 'b.example'])).toEqual([
      'order 1 at a.example',
      'order 1 at b.example',
      'order 1 at a.example',
      'order 1 at b.example',
    ])
  })

  test.each([
    ['no router names one', undefined],
    ['one router serves them', /^[ab]\.example$/],
  ])('are names of one service where %s: a retry by another name runs nothing', async (_name, host) => {
    expect(await posted([shop(host)], ['a.example', 'b.example'])).toEqual([
      'order 1 at a.example',
      'order 1 at a.example',
    ])
  })

  test('have answers of their own, also where a proxy names them to Koa and not to the gate', async () => {
    const channels = [shop('a.example'), shop('b.example')].map((router) => rest(router))
    const stores = memoryStores()
    const policies = [
      idempotency({ store: stores.idempotency, anonymous: true }),
      cache({ store: stores.cache }),
    ]
    await serving([behind, gate(policies, { channels })], async (send) => {
      for (const host of ['a.example', 'b.example', 'a.example']) {
        const headers = { host: 'internal', 'x-forwarded-host': host }
        expect((await send('/orders', { headers })).text).toBe(`orders at ${host}`)
      }
    })
  })
})
