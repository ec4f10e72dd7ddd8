import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from '@jest/globals'
import Koa from 'koa'
import type { ServeOptions } from '../../src/serve/options.js'
import { createReadiness } from '../../src/serve/readiness.js'
import { serve, type Serving } from '../../src/serve/serve.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

/** A promise and the function that settles it. */
function latch(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

const running: Serving[] = []
const agents: Agent[] = []

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy()
  await Promise.all(running.splice(0).map((serving) => serving.drain()))
})

async function serveOnFreePort(app: Koa, options: ServeOptions = {}): Promise<Serving> {
  const serving = await serve(app, { port: 0, ...options })
  running.push(serving)
  return serving
}

function keepAliveAgent(): Agent {
  const agent = new Agent({ keepAlive: true })
  agents.push(agent)
  return agent
}

async function get(url: string, agent: Agent): Promise<{ response: IncomingMessage; body: string }> {
  const [response] = (await once(request(url, { agent }).end(), 'response')) as [IncomingMessage]
  return { response, body: await text(response) }
}

async function socketTo({ url }: Serving): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

describe('drain', () => {
  test('lets a request in flight finish and tells its client that the connection ends', async () => {
    const entered = latch()
    const leave = latch()
    const app = new Koa().use(async (ctx) => {
      entered.open()
      await leave.opened
      ctx.body = 'done'
    })
    const server = await serveOnFreePort(app)
    const answer = get(server.url, keepAliveAgent())
    await entered.opened

    const drained = server.drain()
    leave.open()
    const { response, body } = await answer
    await drained

    expect(response.statusCode).toBe(200)
    expect(body).toBe('done')
    expect(response.headers.connection).toBe('close')
  })

  test('tells so also when the handler throws and Koa drops every field', async () => {
    const entered = latch()
    const leave = latch()
    const app = new Koa().use(async () => {
      entered.open()
      await leave.opened
      throw new Error('broken')
    })
    app.silent = true
    const server = await serveOnFreePort(app)
    const answer = get(server.url, keepAliveAgent())
    await entered.opened

    const drained = server.drain()
    leave.open()
    const { response } = await answer
    await drained

    expect(response.statusCode).toBe(500)
    expect(response.headers.connection).toBe('close')
  })

  test('tells so also where the body is invited while it drains', async () => {
    const entered = latch()
    const leave = latch()
    const app = new Koa().use(async (ctx) => {
      entered.open()
      await leave.opened
      ctx.body = await text(ctx.req)
    })
    const server = await serveOnFreePort(app)
    const headers = { expect: '100-continue', 'content-length': 4 }
    const expecting = request(server.url, { method: 'POST', agent: keepAliveAgent(), headers })
    const answered = once(expecting, 'response') as Promise<[IncomingMessage]>
    expecting.flushHeaders()
    await entered.opened

    const drained = server.drain()
    leave.open()
    await once(expecting, 'continue')
    expecting.end('body')
    const [response] = await answered
    expect(await text(response)).toBe('body')
    expect(response.headers.connection).toBe('close')
    await drained
  })

  test('closes idle connections, silent ones and half a request', async () => {
    const app = new Koa().use((ctx) => void (ctx.body = 'hello'))
    const server = await serveOnFreePort(app)
    const idle = await socketTo(server)
    idle.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(idle, 'data')
    const silent = await socketTo(server)
    const half = await socketTo(server)
    half.write('GET / HTTP/1.1\r\nHo')
    const closed = [idle, silent, half].map((socket) => once(socket.resume(), 'close'))

    await server.drain()
    await Promise.all(closed)
    await expect(socketTo(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('sends a complete answer to its end, however slowly the client reads', async () => {
    const size = 20_000_000
    const ended = latch()
    const app = new Koa().use((ctx) => {
      ctx.respond = false
      ctx.res.statusCode = 200
      ctx.res.end(Buffer.alloc(size), () => undefined)
      ended.open()
    })
    const server = await serveOnFreePort(app)
    const socket = await socketTo(server)
    socket.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await ended.opened

    const drained = server.drain()
    let received = 0
    socket.on('data', (chunk: Buffer) => (received += chunk.byteLength)).resume()
    await once(socket, 'close')
    await drained

    expect(received).toBeGreaterThan(size)
  })

  test('waits for work whose client left', async () => {
    const entered = latch()
    const left = latch()
    const leave = latch()
    const app = new Koa().use(async (ctx) => {
      ctx.res.once('close', () => left.open())
      entered.open()
      await leave.opened
    })
    const server = await serveOnFreePort(app)
    const socket = await socketTo(server)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    await entered.opened
    socket.destroy()
    await left.opened

    let drained = false
    const done = server.drain().then(() => (drained = true))
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(drained).toBe(false)
    leave.open()
    expect(await done).toBe(true)
  })

  test('cuts what takes longer than the grace time', async () => {
    const clock = new ManualClock()
    const entered = latch()
    const app = new Koa().use(async () => {
      entered.open()
      await new Promise(() => undefined)
    })
    const server = await serveOnFreePort(app, { clock, grace: '5s' })
    const socket = await socketTo(server)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await entered.opened

    const closed = once(socket.resume(), 'close')
    const drained = server.drain()
    await clock.advance(5_000)
    await drained
    await closed
  })

  test('cuts half a body and a client that does not read when the grace is over, and ends', async () => {
    const clock = new ManualClock()
    const begun = [latch(), latch()]
    const app = new Koa().use(async (ctx) => {
      begun[ctx.method === 'POST' ? 0 : 1]?.open()
      if (ctx.method === 'POST') await text(ctx.req)
      ctx.body = Buffer.alloc(50_000_000)
    })
    app.silent = true
    const server = await serveOnFreePort(app, { clock, grace: '5s' })
    const half = await socketTo(server)
    half.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12')
    const deaf = await socketTo(server)
    deaf.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await Promise.all(begun.map(({ opened }) => opened))

    const drained = server.drain()
    await clock.advance(4_999)
    expect(half.closed).toBe(false)
    const closed = once(half.resume(), 'close')
    await clock.advance(1)
    await drained
    await closed
    deaf.destroy()
  })

  test('while balancers are given notice it answers, is not ready, and closes each connection', async () => {
    const clock = new ManualClock()
    const readiness = createReadiness()
    const app = new Koa().use((ctx) => void (ctx.body = { ready: readiness.ready }))
    const server = await serveOnFreePort(app, { clock, readiness, notice: '3s' })
    expect((await get(server.url, keepAliveAgent())).body).toBe('{"ready":true}')

    const drained = server.drain()
    const { response, body } = await get(server.url, keepAliveAgent())
    await clock.advance(3_000)
    await drained

    expect(response.statusCode).toBe(200)
    expect(response.headers.connection).toBe('close')
    expect(body).toBe('{"ready":false}')
    await expect(socketTo(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('closes what the requests used after the last of them, and waits for it', async () => {
    const entered = latch()
    const leave = latch()
    const order: string[] = []
    const app = new Koa().use(async (ctx) => {
      entered.open()
      await leave.opened
      order.push('answered')
      ctx.body = ''
    })
    const close = async (): Promise<void> => {
      order.push('closing')
      await new Promise((resolve) => setImmediate(resolve))
      order.push('closed')
    }
    const server = await serveOnFreePort(app, { close })
    const answer = get(server.url, keepAliveAgent())
    await entered.opened
    const drained = server.drain()
    leave.open()
    await answer
    await drained
    expect(order).toEqual(['answered', 'closing', 'closed'])
    expect(server.drain()).toBe(server.drain())
  })

  test('ends a second after the grace where a store does not close', async () => {
    const clock = new ManualClock()
    const closing = latch()
    const close = (): Promise<void> => {
      closing.open()
      return new Promise(() => undefined)
    }
    const server = await serveOnFreePort(new Koa(), { clock, grace: '5s', close })
    const drained = server.drain()
    await closing.opened
    await clock.advance(6_000)
    await drained
  })

  test('a port that is taken is an error, not a silent process', async () => {
    const app = new Koa()
    const { url } = await serveOnFreePort(app)
    await expect(serve(app, { port: Number(new URL(url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })
})
