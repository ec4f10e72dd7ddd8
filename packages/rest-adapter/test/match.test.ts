import { describe, expect, test } from '@jest/globals'
import { gate } from '@headgate/core'
import { Router } from '@koa/router'
import { operation, rest, restGateway } from '@headgate/rest-adapter'
import type { Context } from 'koa'
import { serving } from './serve.js'
import { type Seen, stubAuthenticate, stubLimit, stubObserver } from './stub-policies.js'

const say =
  (text: string) =>
  (ctx: Context): void => {
    ctx.body = text
  }

describe('the route that runs is the route that is guarded', () => {
  test('/users/me before /users/:id: the first route answers under its own declaration', async () => {
    const seen: Seen[] = []
    const router = new Router()
    router.get('/users/me', operation({ cost: 2 }), say('me'))
    router.get('/users/:id', operation({ scopes: ['users:read'] }), say('any'))
    await serving(
      [restGateway(router, { policies: [stubAuthenticate(), stubObserver(seen)] })],
      async (send) => {
        expect((await send('/users/me')).text).toBe('me')
        expect(seen[0]?.operation).toMatchObject({ name: 'GET /users/me', cost: 2, protocol: 'rest' })
        expect((await send('/users/7')).status).toBe(401)
        const allowed = await send('/users/7', { headers: { authorization: 'Bearer ann users:read' } })
        expect(allowed.text).toBe('any')
        expect(seen[1]?.operation.name).toBe('GET /users/:id')
      },
    )
  })

  test('an exclusive router runs the last match, and that one is guarded', async () => {
    const router = new Router({ exclusive: true })
    router.get('/users/:id', operation({}), say('any'))
    router.get('/users/me', operation({ scopes: ['me'] }), say('me'))
    await serving([restGateway(router, { policies: [stubAuthenticate()] })], async (send) => {
      expect((await send('/users/me')).status).toBe(401)
      const allowed = await send('/users/me', { headers: { authorization: 'Bearer ann me' } })
      expect(allowed.text).toBe('me')
      expect((await send('/users/7')).text).toBe('any')
    })
  })

  test('exclusive by specificity runs the route with the fewest parameters, and that one is guarded', async () => {
    const router = new Router({ exclusive: 'specificity' })
    router.get('/users/me', operation({ scopes: ['me'] }), say('me'))
    router.get('/users/:id', operation({}), say('any'))
    await serving([restGateway(router, { policies: [stubAuthenticate()] })], async (send) => {
      expect((await send('/users/me')).status).toBe(401)
      const allowed = await send('/users/me', { headers: { authorization: 'Bearer ann me' } })
      expect(allowed.text).toBe('me')
    })
  })

  test('nested routers with prefixes and parameters are described by their whole template', async () => {
    const seen: Seen[] = []
    const items = new Router({ prefix: '/items' })
    items.get(
      '/:item',
      operation({ scopes: ['read'], tags: ({ params }) => [`Item:${params['item']}`] }),
      (ctx) => {
        ctx.body = ctx.params
      },
    )
    const api = new Router({ prefix: '/api' })
    api.use(async (ctx, next) => {
      ctx.set('x-router', 'ran')
      await next()
    })
    api.use('/shops/:shop', items.routes())
    await serving(
      [restGateway(api, { policies: [stubAuthenticate(), stubObserver(seen)] })],
      async (send) => {
        expect((await send('/api/shops/1/items/2')).status).toBe(401)
        const answer = await send('/api/shops/1/items/2', { headers: { authorization: 'Bearer ann read' } })
        expect(answer.json).toEqual({ shop: '1', item: '2' })
        expect(answer.headers['x-router']).toBe('ran')
        expect(seen[0]?.operation.name).toBe('GET /api/shops/:shop/items/:item')
        expect(seen[0]?.tags).toEqual(['Item:2'])
      },
    )
  })

  test('another case or a trailing slash is the same guarded route', async () => {
    const router = new Router()
    router.get('/admin', operation({ scopes: ['admin'] }), say('in'))
    await serving([restGateway(router, { policies: [stubAuthenticate()] })], async (send) => {
      for (const target of [
        '/admin',
        '/ADMIN',
        '/admin/',
        '/admin?x=/public',
        'http://elsewhere.example/admin',
      ]) {
        expect((await send(target)).status).toBe(401)
      }
      for (const target of ['//admin', '/x/../admin', '/%61dmin', '/admin%2f']) {
        expect((await send(target)).status).toBe(404)
      }
    })
  })

  test('HEAD is answered by the GET route, under the same name and declaration', async () => {
    const seen: Seen[] = []
    const router = new Router()
    router.get('/items', operation({ access: 'required' }), say('content'))
    await serving(
      [restGateway(router, { policies: [stubAuthenticate(), stubObserver(seen)] })],
      async (send) => {
        expect((await send('/items', { method: 'HEAD' })).status).toBe(401)
        const head = await send('/items', { method: 'HEAD', headers: { authorization: 'Bearer ann' } })
        expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '7', ''])
        expect(seen[0]?.operation).toMatchObject({ name: 'GET /items', effect: 'read' })
      },
    )
  })

  test("a route on another host is not this router's: the request is gated as plain HTTP", async () => {
    const seen: Seen[] = []
    const inner = new Router({ host: 'inner.example' })
    inner.get('/', operation({ access: 'required' }), say('inner'))
    const outer = new Router({ host: /^outer\./ })
    outer.get('/', say('outer'))
    const channels = [rest(inner), rest(outer)]
    const policies = [stubAuthenticate(), stubObserver(seen)]
    await serving([gate(policies, { channels }), say('rest of the app')], async (send) => {
      expect((await send('/', { headers: { host: 'inner.example' } })).status).toBe(401)
      expect((await send('/', { headers: { host: 'outer.example' } })).text).toBe('outer')
      expect((await send('/', { headers: { host: 'third.example' } })).text).toBe('rest of the app')
      expect(seen.map(({ operation: { protocol } }) => protocol)).toEqual(['rest', 'http'])
    })
  })

  test("a route without a declaration has the gate's own rules", async () => {
    const seen: Seen[] = []
    const router = new Router()
    router.post('/jobs', say('done'))
    await serving([restGateway(router, { policies: [stubObserver(seen)] })], async (send) => {
      expect((await send('/jobs', { method: 'POST', body: '<xml/>' })).text).toBe('done')
      expect(seen[0]?.operation).toMatchObject({
        name: 'POST /jobs',
        effect: 'write',
        cost: 1,
        access: {},
        idempotency: 'optional',
        cache: 'off',
      })
    })
  })
})

describe('a request that no route answers', () => {
  const router = new Router()
  router.get('/items', say('items'))
  router.post('/items', say('made'))
  router.use('/items', (_ctx, next) => next())

  test('an unknown address is 404, another method 405 with Allow, OPTIONS is answered', async () => {
    await serving([restGateway(router, { policies: [] })], async (send) => {
      const unknown = await send('/nothing')
      expect([unknown.status, unknown.json['code']]).toEqual([404, 'route-unknown'])
      expect(unknown.headers['content-type']).toBe('application/problem+json')
      const other = await send('/items', { method: 'DELETE' })
      expect([other.status, other.json['code']]).toEqual([405, 'method-not-allowed'])
      expect(other.headers.allow).toBe('GET, HEAD, OPTIONS, POST')
      const options = await send('/items', { method: 'OPTIONS' })
      expect([options.status, options.headers.allow, options.text]).toEqual([
        204,
        'GET, HEAD, OPTIONS, POST',
        '',
      ])
    })
  })

  test('it passes the gate first: who asks and how much is found out before the 404', async () => {
    const locked = new Router()
    locked.get('/items', say('items'))
    const policies = [stubAuthenticate('required'), stubLimit(1)]
    await serving([restGateway(locked, { policies })], async (send) => {
      const headers = { authorization: 'Bearer ann' }
      for (const target of ['/nothing', '/items/%ff']) expect((await send(target)).status).toBe(401)
      const first = await send('/nothing', { headers })
      expect([first.status, first.headers['ratelimit']]).toEqual([404, '"stub";r=0'])
      expect((await send('/nothing', { headers })).status).toBe(429)
      expect((await send('/items', { method: 'DELETE', headers })).status).toBe(429)
      expect((await send('/%ff', { headers })).status).toBe(429)
    })
  })

  test('a percent-encoding that is no text is 400, in every place of the path', async () => {
    const open = new Router()
    open.get('/items/:id', say('item'))
    await serving([restGateway(open, { policies: [] })], async (send, errors) => {
      for (const target of ['/items/%', '/items/%zz', '/items/%ff', '/%c3%28/x']) {
        const answer = await send(target)
        expect([answer.status, answer.json['code']]).toEqual([400, 'request-malformed'])
      }
      expect((await send('http://[::1/items/1')).status).toBe(400)
      expect((await send('/items/%e2%82%ac')).text).toBe('item')
      expect(errors).toEqual([])
    })
  })

  test('unmatched: pass gates an unknown address as plain HTTP and hands it on', async () => {
    const seen: Seen[] = []
    const gateway = restGateway(router, { policies: [stubLimit(4), stubObserver(seen)], unmatched: 'pass' })
    await serving([gateway, say('later')], async (send) => {
      const passed = await send('/page')
      expect([passed.text, passed.headers['ratelimit']]).toEqual(['later', '"stub";r=3'])
      expect(seen[0]?.operation).toMatchObject({ protocol: 'http', name: 'GET *' })
      expect((await send('/items')).text).toBe('items')
      expect((await send('/items', { method: 'DELETE' })).status).toBe(405)
      expect((await send('/%ff')).status).toBe(400)
      expect((await send('/page')).status).toBe(429)
    })
  })
})
