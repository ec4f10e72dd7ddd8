import { afterEach, describe, expect, test } from '@jest/globals'
import { PassThrough, Readable } from 'node:stream'
import type { Middleware } from 'koa'
import { rawRequest } from '../../../test-support/http.js'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import type { Policy } from '../src/exchange.js'
import { gate } from '../src/koa.js'
import type { Reply } from '../src/reply.js'

afterEach(closeApps)

const HANDLERS: Readonly<Record<string, Middleware>> = {
  'an object': (ctx) => void (ctx.body = { a: 1 }),
  'a string': (ctx) => void (ctx.body = 'text'),
  html: (ctx) => void (ctx.body = '<p>hi</p>'),
  bytes: (ctx) => void (ctx.body = Buffer.from([0, 1, 255])),
  'an empty string': (ctx) => void (ctx.body = ''),
  'a stream': (ctx) => void (ctx.body = Readable.from(['one', 'two'])),
  'a typed stream': (ctx) => {
    ctx.type = 'text/plain'
    ctx.body = Readable.from(['typed'])
  },
  'a blob': (ctx) => void (ctx.body = new Blob(['blob'])),
  'a web stream': (ctx) => void (ctx.body = new Response('web').body),
  'a web response': (ctx) =>
    void (ctx.body = new Response('made', { status: 201, headers: { 'x-made': 'yes' } })),
  'no body': () => undefined,
  'a null body': (ctx) => void (ctx.body = null),
  'a null body with a status': (ctx) => {
    ctx.body = null
    ctx.status = 202
  },
  'a status only': (ctx) => void (ctx.status = 418),
  'a good status only': (ctx) => void (ctx.status = 202),
  '204': (ctx) => void (ctx.status = 204),
  '304 with fields': (ctx) => {
    ctx.status = 304
    ctx.etag = 'x'
  },
  'a redirect': (ctx) => ctx.redirect('/elsewhere'),
  'two cookies': (ctx) => {
    ctx.append('Set-Cookie', 'a=1')
    ctx.append('Set-Cookie', 'b=2')
    ctx.body = 'cookies'
  },
  'an unexpected error': () => {
    throw new Error('secret detail')
  },
  'an answer on the socket itself': (ctx) => {
    ctx.respond = false
    ctx.res.writeHead(201, { 'x-own': 'yes' })
    ctx.res.end('raw')
  },
  'a changed outer field': (ctx) => {
    ctx.set('X-Outer', 'changed')
    ctx.body = 'x'
  },
  'a removed outer field': (ctx) => {
    ctx.remove('X-Outer')
    ctx.body = 'x'
  },
}

interface Seen {
  status: number
  headers: string[]
  body: string
}

async function see(url: string, method: string): Promise<Seen> {
  const answer = await fetch(url, { method, redirect: 'manual' })
  const headers = [...answer.headers].filter(([name]) => name !== 'date').map((field) => field.join(': '))
  return {
    status: answer.status,
    headers: headers.toSorted(),
    body: Buffer.from(await answer.arrayBuffer()).toString('latin1'),
  }
}

const outer: Middleware = (ctx, next) => {
  ctx.set('X-Outer', 'outer')
  return next()
}

const throwing: Middleware = (ctx) => ctx.throw(400, 'bad', { headers: { 'X-Why': 'because' } })

describe('a gate that decides nothing', () => {
  for (const [name, handler] of Object.entries(HANDLERS)) {
    // To a HEAD request Koa announces 2 bytes for a web stream: the length of `{}`.
    const methods = name.startsWith('a web') ? ['GET', 'POST'] : ['GET', 'HEAD', 'POST']
    test.each(methods)(`changes nothing about ${name} (%s)`, async (method) => {
      const [plain, gated] = await Promise.all([start(outer, handler), start(outer, gate([]), handler)])
      expect(await see(gated.url, method)).toEqual(await see(plain.url, method))
    })
  }

  test('sends what a handler throws for the client as Koa does, but keeps the fields set before', async () => {
    const [plain, gated] = await Promise.all([start(outer, throwing), start(outer, gate([]), throwing)])
    const expected = await see(plain.url, 'GET')
    expect(await see(gated.url, 'GET')).toEqual({
      ...expected,
      headers: [...expected.headers, 'x-outer: outer'].toSorted(),
    })
  })

  test('holds back nothing of a stream: the first event arrives while the stream is open', async () => {
    const stream = new PassThrough()
    stream.write('data: 1\n\n')
    const { url } = await start(gate([]), (ctx) => {
      ctx.type = 'text/event-stream'
      ctx.body = stream
    })
    const answer = await fetch(url)
    const reader = answer.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n')
    stream.end()
    await reader?.cancel()
  })

  test('lets an upgrade take the socket', async () => {
    const { port, server } = await start(gate([]), (ctx) => void (ctx.body = 'not upgraded'))
    server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
    const answer = await rawRequest(
      port,
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 101/)
  })
})

test('the length of bytes is theirs, whatever the answer says', async () => {
  const headers = { 'content-length': '99', 'content-type': 'text/x-some' }
  const lying: Policy = {
    name: 'lying',
    handle: () => Promise.resolve({ kind: 'answer', status: 200, headers, body: Buffer.from('stored') }),
  }
  const { url } = await start(gate([lying]))
  const answer = await fetch(url)
  expect([answer.headers.get('content-length'), answer.headers.get('content-type')]).toEqual([
    '6',
    'text/x-some',
  ])
  expect(await answer.text()).toBe('stored')
})

test('content that a policy takes away is away: Koa writes null where JSON was, and leaves the stream open', async () => {
  const stream = Readable.from(['{}'])
  const taking: Policy = {
    name: 'taking',
    handle: async (_, next) => ({ ...(await next()), status: 202, body: null }) as Reply,
  }
  const { url } = await start(gate([taking]), (ctx) => {
    ctx.type = 'json'
    ctx.body = ctx.path === '/stream' ? stream : { a: 1 }
  })
  for (const path of ['/', '/stream']) {
    const answer = await fetch(url + path)
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([202, '0', ''])
  }
  expect(stream.destroyed).toBe(true)
})
