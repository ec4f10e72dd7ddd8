import { afterEach, describe, expect, test } from '@jest/globals'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import Koa, { type Context, type Middleware } from 'koa'
import { rawConnection, rawRequest, type Running, serve } from '../../../test-support/http.js'
import { createIdentity } from '../src/auth/identity.js'
import type { ReportedEvent } from '../src/events.js'
import type { Exchange, Policy } from '../src/exchange.js'
import { keepHeadersOnError, withHeaders } from '../src/reply.js'
import { exchangeOf, gate, identityOf } from '../src/koa.js'
import { refuse } from '../src/refusal.js'

const servers: Running[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function start(...middleware: Middleware[]): Promise<Running> {
  const app = new Koa()
  app.silent = true
  for (const each of middleware) app.use(each)
  const running = await serve(app.callback())
  servers.push(running)
  return running
}

function policy(handle: Policy['handle'], name = 'test'): Policy {
  return { name, handle }
}

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
  headers: [string, string][]
  body: string
}

async function see(url: string, method: string): Promise<Seen> {
  const answer = await fetch(url, { method, redirect: 'manual' })
  const headers = [...answer.headers].filter(([name]) => name !== 'date').toSorted()
  return { status: answer.status, headers, body: Buffer.from(await answer.arrayBuffer()).toString('latin1') }
}

const outer: Middleware = (ctx, next) => {
  ctx.set('X-Outer', 'outer')
  return next()
}

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
    const throwing: Middleware = (ctx) => ctx.throw(400, 'bad', { headers: { 'X-Why': 'because' } })
    const [plain, gated] = await Promise.all([start(outer, throwing), start(outer, gate([]), throwing)])
    const expected = await see(plain.url, 'GET')
    const outerField: [string, string] = ['x-outer', 'outer']
    expect(await see(gated.url, 'GET')).toEqual({
      ...expected,
      headers: [...expected.headers, outerField].toSorted(),
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

describe('replies', () => {
  test('a refusal is problem+json with its code, and keeps the fields of outer middleware', async () => {
    const { url } = await start(
      outer,
      gate([policy(() => Promise.resolve(refuse('quota-exceeded', { headers: { 'retry-after': '7' } })))]),
      () => Promise.reject(new Error('must not run')),
    )
    const answer = await fetch(url)
    expect(answer.status).toBe(429)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('retry-after')).toBe('7')
    expect(answer.headers.get('x-outer')).toBe('outer')
    expect(await answer.json()).toMatchObject({
      code: 'quota-exceeded',
      status: 429,
      title: 'A quota is exceeded',
    })
  })

  test('fields that a policy adds arrive on answers, on thrown 4xx and on unexpected errors', async () => {
    const adding = policy(async (_exchange, next) => {
      try {
        return withHeaders(await next(), { ratelimit: '"burst";r=1' })
      } catch (error) {
        keepHeadersOnError(error, { ratelimit: '"burst";r=1' })
        throw error
      }
    })
    const { url } = await start(gate([adding]), (ctx) => {
      if (ctx.path === '/ok') ctx.body = 'ok'
      else if (ctx.path === '/404') ctx.throw(404)
      else throw new Error('boom')
    })
    for (const [path, status] of [
      ['/ok', 200],
      ['/404', 404],
      ['/500', 500],
    ]) {
      const answer = await fetch(`${url}${path}`)
      expect([answer.status, answer.headers.get('ratelimit')]).toEqual([status, '"burst";r=1'])
    }
  })

  test('an answer of a policy replaces what the handler left, its fields too', async () => {
    const replacing = policy(async (_exchange, next) => {
      await next()
      return {
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'text/plain' },
        body: Buffer.from('stored'),
      }
    })
    const { url } = await start(outer, gate([replacing]), (ctx) => {
      ctx.set('X-Handler', '1')
      ctx.body = { fresh: true }
    })
    const answer = await fetch(url)
    expect(await answer.text()).toBe('stored')
    expect(answer.headers.get('x-handler')).toBeNull()
    expect(answer.headers.get('x-outer')).toBe('outer')
    expect(answer.headers.get('content-length')).toBe('6')
  })
})

describe('the exchange', () => {
  test('says what came in, before any mount or router rewrote it', async () => {
    let exchange: Exchange | undefined
    const { url } = await start(
      (ctx, next) => {
        ctx.path = '/rewritten'
        return next()
      },
      gate([]),
      (ctx) => {
        exchange = exchangeOf(ctx)
        ctx.body = ctx.path
      },
    )
    await fetch(`${url}/items/42?b=1&a=%20`, { headers: { 'X-Some': 'one' } })
    expect(exchange).toMatchObject({
      method: 'GET',
      path: '/items/42',
      query: 'b=1&a=%20',
      address: '127.0.0.1',
      origin: url,
    })
    expect(exchange?.header('x-some')).toBe('one')
  })

  test('shows every line of a field, which Node joins or drops', async () => {
    let lines: readonly string[] = []
    const { port } = await start(gate([]), (ctx) => {
      lines = exchangeOf(ctx)?.lines('authorization') ?? []
      ctx.body = ''
    })
    await rawRequest(
      port,
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: A\r\nauthorization: B\r\n\r\n',
    )
    expect(lines).toEqual(['A', 'B'])
  })

  test('takes the body that a parser before the gate left', async () => {
    const { url } = await start(
      (ctx, next) => {
        Object.assign(ctx.request, { body: { parsed: true }, rawBody: '{"parsed":true}' })
        return next()
      },
      gate([
        policy(async (exchange, next) =>
          withHeaders(await next(), { 'x-body': String(await exchange.body(99)) }),
        ),
      ]),
      (ctx) => void (ctx.body = 'x'),
    )
    expect((await fetch(url, { method: 'POST', body: 'ignored' })).headers.get('x-body')).toBe(
      '{"parsed":true}',
    )
  })

  test('its signal is aborted when the client leaves', async () => {
    const aborted = deferred()
    const { port } = await start(gate([]), async (ctx) => {
      const signal = exchangeOf(ctx)?.signal
      signal?.addEventListener('abort', () => aborted.resolve(true))
      socket.destroy()
      await aborted.promise
    })
    const socket = await rawConnection(port)
    socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(await aborted.promise).toBe(true)
  })
})

describe('detached work', () => {
  const detaching = policy((exchange, next) => exchange.detached(next))

  test('answers the client as if it were not detached', async () => {
    const { url } = await start(outer, gate([detaching]), (ctx) => {
      ctx.status = 201
      ctx.set('X-Handler', '1')
      ctx.body = { made: true }
    })
    const answer = await fetch(url, { method: 'POST' })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-handler')).toBe('1')
    expect(answer.headers.get('x-outer')).toBe('outer')
    expect(await answer.json()).toEqual({ made: true })
  })

  test('goes on when the client leaves: neither its signal nor its stream ends', async () => {
    const entered = deferred<Context>()
    const finished = deferred<string>()
    const goOn = deferred<void>()
    const collecting = policy((exchange, next) =>
      exchange.detached(async () => {
        const reply = await next()
        if (reply.kind === 'answer' && reply.body instanceof Readable) {
          const chunks: string[] = []
          for await (const chunk of reply.body) chunks.push(String(chunk))
          finished.resolve(`${chunks.join('')} ${exchange.signal.aborted}`)
        }
        return reply
      }),
    )
    const { port } = await start(gate([collecting]), async (ctx) => {
      entered.resolve(ctx)
      await goOn.promise
      ctx.body = Readable.from(['all ', 'of it'])
    })
    const socket = await rawConnection(port)
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
    const ctx = await entered.promise
    const closed = once(ctx.req.socket, 'close')
    socket.destroy()
    await closed
    goOn.resolve()
    expect(await finished.promise).toBe('all of it false')
  })

  test('an error in it reaches Koa on the real response', async () => {
    const { url } = await start(gate([detaching]), () => {
      throw new Error('boom')
    })
    expect((await fetch(url)).status).toBe(500)
  })
})

describe('gates in one application', () => {
  const identity = createIdentity({ scheme: 'test', subject: 'ann' })

  test('an inner gate knows the identity that an outer gate found', async () => {
    const naming = policy((exchange, next) => {
      exchange.identity = identity
      return next()
    }, 'naming')
    let seen: unknown
    const { url } = await start(
      gate([naming]),
      gate([policy((exchange, next) => ((seen = exchange.identity), next()), 'inner')], {
        identity: identityOf,
      }),
      (ctx) => void (ctx.body = identityOf(ctx)?.subject),
    )
    expect(await (await fetch(url)).text()).toBe('ann')
    expect(seen).toBe(identity)
  })

  test('one policy in two gates on the way of a request is an error, not a second charge', async () => {
    let charges = 0
    const charging = policy((_exchange, next) => ((charges += 1), next()), 'rateLimit')
    const { url } = await start(gate([charging]), gate([charging]), (ctx) => void (ctx.body = 'x'))
    expect((await fetch(url)).status).toBe(500)
    expect(charges).toBe(1)
  })

  test('an identity from other middleware is used', async () => {
    const { url } = await start(
      gate([], { identity: () => identity }),
      (ctx) => void (ctx.body = identityOf(ctx)?.subject),
    )
    expect(await (await fetch(url)).text()).toBe('ann')
  })
})

describe('observers', () => {
  test('get events with the operation they happened in, by hook and by diagnostics channel', async () => {
    const hooked: ReportedEvent[] = []
    const published: unknown[] = []
    const listen = (event: unknown): void => void published.push(event)
    channel('headgate').subscribe(listen)
    const reporting = policy((exchange, next) => {
      exchange.report({ type: 'test.event' } as never)
      return next()
    })
    const { url } = await start(
      gate([reporting], { onEvent: (event) => void hooked.push(event) }),
      (ctx) => void (ctx.body = ''),
    )
    await fetch(`${url}/a/b`)
    channel('headgate').unsubscribe(listen)
    expect(hooked).toEqual([{ type: 'test.event', protocol: 'http', operation: 'GET *' }])
    expect(published).toEqual(hooked)
  })
})

describe('odd requests', () => {
  test.each([
    'GET http://[ HTTP/1.1',
    'GET /%zz%00 HTTP/1.1',
    'GET //evil/x?y#z HTTP/1.1',
    'OPTIONS * HTTP/1.1',
  ])('%s is answered below 500', async (line) => {
    const { port } = await start(gate([]))
    const answer = await rawRequest(port, `${line}\r\nHost: h\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 4/)
  })

  test('unknown options are named', () => {
    expect(() => gate([], { chanels: [] } as never)).toThrow(/gate: unknown option 'chanels'/)
  })
})

function deferred<T = unknown>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => (resolve = settle))
  return { promise, resolve }
}
