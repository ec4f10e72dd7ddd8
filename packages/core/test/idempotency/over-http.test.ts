import { once } from 'node:events'
import { request as sendRequest } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, expect, test } from '@jest/globals'
import Koa, { type Context } from 'koa'
import { createIdentity } from '../../src/auth/identity.js'
import { idempotency } from '../../src/idempotency/idempotency.js'
import { gate } from '../../src/koa.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { type Running, serve } from '../../../../test-support/http.js'
import { deferred } from './service.js'

const servers: Running[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

/** A Koa service behind the policy; callers are named by a header field. */
async function start(handler: (ctx: Context) => unknown): Promise<number> {
  const app = new Koa()
  app.silent = true
  app.use(
    gate([idempotency({ store: memoryIdempotencyStore() })], {
      identity: (ctx) => createIdentity({ scheme: 'test', subject: ctx.get('x-caller') || 'ann' }),
    }),
  )
  app.use(async (ctx) => void (await handler(ctx)))
  const server = await serve((request, response) => void app.callback()(request, response))
  servers.push(server)
  return server.port
}

async function post(port: number, key = 'key-1', body = '{"n":1}', caller = 'ann'): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/payments?mode=live`, {
    method: 'POST',
    headers: { 'idempotency-key': key, 'content-type': 'application/json', 'x-caller': caller },
    body,
  })
}

test('a client that hangs up does not end the effect, and its retry gets the answer', async () => {
  let effects = 0
  const [began, mayFinish, done] = [deferred<void>(), deferred<void>(), deferred<void>()]
  const port = await start(async (ctx) => {
    began.resolve()
    await mayFinish.promise
    effects += 1
    ctx.status = 201
    ctx.body = Readable.from([Buffer.from('{"paid":'), Buffer.from('true}')])
    ctx.type = 'application/json'
    done.resolve()
  })

  const client = sendRequest({
    port,
    path: '/payments?mode=live',
    method: 'POST',
    headers: { 'idempotency-key': '"key-1"', 'content-type': 'application/json' },
  })
  client.on('error', () => undefined)
  client.end('{ "n": 1.0 }')
  await began.promise
  client.destroy()
  await new Promise((resolve) => client.once('close', resolve))
  const meanwhile = await post(port)
  expect(meanwhile.status).toBe(409)
  expect(await meanwhile.json()).toMatchObject({ code: 'idempotency-in-flight', retryable: true })
  mayFinish.resolve()
  await done.promise

  let retry = await post(port)
  while (retry.status === 409) retry = await post(port)
  expect(retry.status).toBe(201)
  expect(retry.headers.get('idempotent-replayed')).toBe('true')
  expect(await retry.text()).toBe('{"paid":true}')
  expect(effects).toBe(1)
})

test('a replay has the bytes, status and type of the first answer, and no cookie', async () => {
  let effects = 0
  const port = await start((ctx) => {
    effects += 1
    ctx.status = 201
    ctx.cookies.set('session', 'secret')
    ctx.set('location', '/payments/1')
    ctx.body = { id: effects, text: 'gr\u00fc\u00dfe' }
  })
  const first = await post(port)
  const again = await post(port)
  expect(first.headers.get('set-cookie')).toContain('session')
  expect(first.headers.get('idempotent-replayed')).toBeNull()
  expect(again.headers.get('set-cookie')).toBeNull()
  for (const name of ['content-type', 'content-length', 'location']) {
    expect(again.headers.get(name)).toBe(first.headers.get(name))
  }
  expect(Buffer.from(await again.arrayBuffer())).toEqual(Buffer.from(await first.arrayBuffer()))
  expect(again.status).toBe(201)

  const other = await post(port, 'key-1', '{"n":1}', 'bob')
  expect(await other.json()).toMatchObject({ id: 2 })
})

test('an error made for the client is replayed; any other is a stored failure', async () => {
  let effects = 0
  const port = await start((ctx) => {
    effects += 1
    if (ctx.get('idempotency-key') === 'exposed') ctx.throw(402, 'no funds')
    throw new Error('secret trouble')
  })
  for (const replayed of [null, 'true']) {
    const reply = await post(port, 'exposed')
    expect([reply.status, await reply.text()]).toEqual([402, 'no funds'])
    expect(reply.headers.get('idempotent-replayed')).toBe(replayed)
  }
  expect((await post(port, 'hidden')).status).toBe(500)
  const retry = await post(port, 'hidden')
  expect(retry.status).toBe(500)
  expect(await retry.json()).toMatchObject({
    code: 'idempotency-failed',
    retryable: false,
    safe_new_key: false,
  })
  expect(effects).toBe(2)
})

test('a body parser behind the gate still finds the body', async () => {
  const port = await start(async (ctx) => {
    ctx.body = Buffer.concat(await ctx.req.toArray())
  })
  expect(await (await post(port)).text()).toBe('{"n":1}')
})

test('two field lines are refused, in either order', async () => {
  const port = await start((ctx) => (ctx.body = 'ran'))
  const client = sendRequest({ port, path: '/', method: 'POST', headers: { 'idempotency-key': ['a', 'b'] } })
  client.end()
  const [response] = await once(client, 'response')
  response.resume()
  expect(response.statusCode).toBe(400)
})

test('a handler that writes to the socket itself fails loudly: what it wrote can not be kept', async () => {
  let effects = 0
  const port = await start((ctx) => {
    effects += 1
    ctx.respond = false
    ctx.res.end('raw')
  })
  expect((await post(port)).status).toBe(500)
  expect(await (await post(port)).json()).toMatchObject({ code: 'idempotency-failed' })
  expect(effects).toBe(1)
})
