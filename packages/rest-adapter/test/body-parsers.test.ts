import { expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { operation, restGateway } from '@headgate/rest-adapter'
import type { Middleware } from 'koa'
import { z } from 'zod'
import { serving } from './serve.js'

const ItemCreate = z.object({ name: z.string(), price: z.number() })

type Parsed = { request: { body?: unknown; rawBody?: string } }

/** As koa-bodyparser: it leaves the text and the value, and nothing in the stream. */
const parser: Middleware = async (ctx, next) => {
  const { request } = ctx as Parsed
  if (request.body === undefined) {
    const chunks: Buffer[] = []
    for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
    request.rawBody = Buffer.concat(chunks).toString()
    request.body = request.rawBody === '' ? {} : JSON.parse(request.rawBody)
  }
  await next()
}

/** Sets the body whatever was there. */
const stubborn: Middleware = (ctx, next) => {
  Object.assign(ctx.request, { body: { name: 'raw' } })
  return next()
}

function echo(before: Middleware[] = []): Router {
  const router = new Router()
  for (const middleware of before) router.use(middleware)
  router.post('/', operation({ body: ItemCreate, bodyLimit: 100 }), (ctx) => {
    ctx.body = ctx.request.body
  })
  router.post('/free', (ctx) => {
    ctx.body = (ctx as Parsed).request.body ?? {}
  })
  return router
}

const json = { name: 'Lamp', price: 12, unknown: 1 }
const validated = { name: 'Lamp', price: 12 }

test('a body parser before the gate or in the router leaves the validated body to the handler', async () => {
  const services = [
    [parser, restGateway(echo(), { policies: [] })],
    [restGateway(echo([parser]), { policies: [] })],
  ]
  for (const middleware of services) {
    await serving(middleware, async (send) => {
      expect((await send('/', { method: 'POST', json })).json).toEqual(validated)
      expect((await send('/', { method: 'POST', json: { name: 1 } })).status).toBe(422)
      expect((await send('/', { method: 'POST', json: { name: 'x'.repeat(100) } })).status).toBe(413)
      expect((await send('/free', { method: 'POST', json })).json).toEqual(json)
    })
  }
})

test('a body parser that sets the body whatever was there does not undo the contract', async () => {
  await serving([restGateway(echo([stubborn]), { policies: [] })], async (send) => {
    expect((await send('/', { method: 'POST', json })).json).toEqual(validated)
  })
})

test('the text stays readable for signatures', async () => {
  const router = new Router()
  router.post('/', operation({ body: ItemCreate }), (ctx) => {
    ctx.body = (ctx as Parsed).request.rawBody
  })
  const body = ' {"price":1.0, "name":"\\u20ac"}\n'
  await serving([restGateway(router, { policies: [] })], async (send) => {
    const headers = { 'content-type': 'application/json' }
    expect((await send('/', { method: 'POST', headers, body })).text).toBe(body)
  })
})

test('middleware of the router finds the validated body: a parser there has nothing to do', async () => {
  const found: unknown[] = []
  const look: Middleware = (ctx, next) => {
    found.push((ctx as Parsed).request.body)
    return next()
  }
  await serving([restGateway(echo([look]), { policies: [] })], async (send) => {
    await send('/', { method: 'POST', json })
    expect(found).toEqual([validated])
  })
})
