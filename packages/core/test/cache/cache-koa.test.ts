import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import Koa, { type Middleware } from 'koa'
import { cache } from '../../src/cache/cache.js'
import { gate } from '../../src/koa.js'
import { memoryCacheStore } from '../../src/stores/memory/cache.js'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

interface Service {
  handled: number
  ask(
    path: string,
    headers?: Record<string, string>,
    method?: string,
  ): Promise<IncomingMessage & { text: string }>
  open(path: string): Promise<IncomingMessage>
}

/** A Koa service behind a cache, on a real socket. */
async function serve(handler: Middleware, ...before: Middleware[]): Promise<Service> {
  const app = new Koa({ env: 'test' })
  for (const middleware of before) app.use(middleware)
  app.use(gate([cache({ store: memoryCacheStore() })]))
  app.use((ctx, next) => {
    service.handled += 1
    return handler(ctx, next)
  })
  app.silent = true
  const handle = app.callback()
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = async (path: string, headers = {}, method = 'GET'): Promise<IncomingMessage> => {
    const request = send({ host: '127.0.0.1', port, path, headers, method, agent: false })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return response
  }
  const service: Service = {
    handled: 0,
    open,
    async ask(path, headers, method) {
      const response = await open(path, headers, method)
      const text = Buffer.concat(await response.toArray()).toString()
      return Object.assign(response, { text })
    },
  }
  return service
}

const json: Middleware = (ctx) => {
  ctx.set('Cache-Control', 'max-age=60')
  ctx.body = { path: ctx.path }
}

describe('over a socket', () => {
  test('a hit is the stored answer, and the client reads where it came from', async () => {
    const service = await serve(json)
    const first = await service.ask('/a')
    const second = await service.ask('/a')
    expect([first.text, second.text, service.handled]).toEqual(['{"path":"/a"}', '{"path":"/a"}', 1])
    expect(first.headers['cache-status']).toBe('headgate; fwd=uri-miss; stored')
    expect(second.headers['cache-status']).toMatch(/^headgate; hit; ttl=\d+$/)
    for (const name of ['content-type', 'content-length', 'etag', 'date', 'cache-control']) {
      expect(second.headers[name]).toBe(first.headers[name])
    }
  })

  test('HEAD of a stored GET has its fields and no content', async () => {
    const service = await serve(json)
    const got = await service.ask('/a')
    const head = await service.ask('/a', {}, 'HEAD')
    expect([head.statusCode, head.text, service.handled]).toEqual([200, '', 1])
    expect(head.headers).toMatchObject({
      'content-length': '13',
      'content-type': got.headers['content-type'],
    })
  })

  test('HEAD that nothing is stored for has the entity tag of GET, and 304 where that is known', async () => {
    const service = await serve(json)
    const head = await service.ask('/a', {}, 'HEAD')
    const known = await service.ask('/a', { 'if-none-match': String(head.headers.etag) }, 'HEAD')
    expect([head.statusCode, known.statusCode, service.handled]).toEqual([200, 304, 2])
    expect(head.headers.etag).toBe((await service.ask('/a')).headers.etag)
    expect(head.headers['content-length']).toBe('13')
  })

  test('a 304 has no content, and the entity tag, date and freshness of the 200', async () => {
    const service = await serve(json)
    const { headers } = await service.ask('/a')
    const again = await service.ask('/a', { 'if-none-match': String(headers.etag) })
    expect([again.statusCode, again.text]).toEqual([304, ''])
    expect(again.headers).toMatchObject({
      etag: headers.etag,
      date: headers.date,
      'cache-control': 'max-age=60',
    })
    expect(again.headers['content-type']).toBeUndefined()
    expect(again.headers['content-length']).toBeUndefined()
  })

  test('redirects, empty answers and binary content come back as they were', async () => {
    const bytes = Buffer.from([0, 255, 254, 10, 13])
    const service = await serve((ctx) => {
      ctx.set('Cache-Control', 'max-age=60')
      if (ctx.path === '/moved') ctx.redirect('/a')
      else if (ctx.path === '/empty') ctx.status = 204
      else ctx.body = bytes
    })
    for (const path of ['/moved', '/empty', '/bytes']) {
      const first = await service.ask(path)
      const second = await service.ask(path)
      expect(second.headers['cache-status']).toContain('hit')
      expect([second.statusCode, second.text, second.headers.location]).toEqual([
        first.statusCode,
        first.text,
        first.headers.location,
      ])
      expect(second.headers['content-length']).toBe(first.headers['content-length'])
    }
  })

  test('the fields of outer middleware are those of each request, also their Vary', async () => {
    const service = await serve(
      (ctx, next) => {
        ctx.vary('Accept')
        return json(ctx, next)
      },
      (ctx, next) => {
        ctx.set('Access-Control-Allow-Origin', ctx.get('origin'))
        ctx.vary('Origin')
        return next()
      },
    )
    await service.ask('/a', { origin: 'https://one.example' })
    const { headers } = await service.ask('/a', { origin: 'https://one.example' })
    expect(headers).toMatchObject({
      vary: 'Origin, Accept',
      'access-control-allow-origin': 'https://one.example',
    })
    expect(headers['cache-status']).toContain('hit')
  })

  test('what outer middleware chose by a field it names in Vary is not the answer to another choice', async () => {
    const service = await serve(
      (ctx) => {
        ctx.set('Cache-Control', 'public, max-age=60')
        if (ctx.path === '/named') ctx.vary('Accept-Language')
        ctx.body = ctx.state['language']
      },
      (ctx, next) => {
        ctx.state['language'] = ctx.get('accept-language')
        ctx.vary('Accept-Language')
        return next()
      },
    )
    for (const path of ['/a', '/named']) {
      for (const language of ['de', 'fr', 'de']) {
        const { text, headers } = await service.ask(path, { 'accept-language': language })
        expect([text, headers.vary]).toEqual([language, 'Accept-Language'])
      }
    }
    expect(service.handled).toBe(4)
  })

  test('an outer no-store holds, also where the handler repeats it', async () => {
    const service = await serve(
      (ctx) => {
        ctx.set('Cache-Control', 'no-store')
        ctx.body = 'a'
      },
      (ctx, next) => {
        ctx.set('Cache-Control', 'no-store')
        return next()
      },
    )
    const { headers } = await service.ask('/a')
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cache-status': 'headgate; fwd=uri-miss; stored=?0; detail=no-store',
    })
  })

  test('the first byte of a stream is not held back, and a whole stream is stored', async () => {
    const source = new PassThrough()
    const service = await serve((ctx) => {
      ctx.set('Cache-Control', 'max-age=60')
      ctx.type = 'text/plain'
      ctx.body = source
    })
    const opened = service.open('/a')
    source.write('first ')
    const response = await opened
    const [chunk] = (await once(response, 'data')) as [Buffer]
    expect(String(chunk)).toBe('first ')
    source.end('last')
    await once(response, 'end')
    expect((await service.ask('/a')).text).toBe('first last')
    expect(service.handled).toBe(1)
  })

  test('a client that leaves ends the stream, and nothing is stored', async () => {
    const [left, read] = [new PassThrough(), new PassThrough()]
    const service = await serve((ctx) => {
      ctx.set('Cache-Control', 'max-age=60')
      ctx.body = service.handled === 1 ? left : read.end('first last')
    })
    left.write('first ')
    const response = await service.open('/a')
    response.destroy()
    await once(left, 'close')
    expect((await service.ask('/a')).text).toBe('first last')
    expect(service.handled).toBe(2)
  })

  test('a stream that breaks is cut at the client, and nothing is stored', async () => {
    let broken = 0
    const service = await serve((ctx) => {
      const source = new PassThrough()
      ctx.set('Cache-Control', 'max-age=60')
      ctx.body = source
      source.write('first ')
      if ((broken += 1) === 1) setImmediate(() => source.destroy(new Error('broken')))
      else source.end('last')
    })
    await expect(service.ask('/a')).rejects.toThrow()
    expect((await service.ask('/a')).text).toBe('first last')
  })

  test('a write purges its address', async () => {
    const service = await serve((ctx, next) => {
      if (ctx.method === 'DELETE') ctx.status = 204
      else json(ctx, next)
    })
    await service.ask('/a')
    await service.ask('/a', {}, 'DELETE')
    expect((await service.ask('/a')).headers['cache-status']).toContain('fwd=uri-miss')
  })
})
