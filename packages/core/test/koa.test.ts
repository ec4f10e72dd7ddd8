import { afterEach, describe, expect, test } from '@jest/globals'
import type { Middleware } from 'koa'
import { deferred } from '../../../test-support/deferred.js'
import { rawConnection, rawRequest } from '../../../test-support/http.js'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import { createIdentity } from '../src/auth/identity.js'
import type { Exchange, Policy } from '../src/exchange.js'
import { keepHeadersOnError, withHeaders } from '../src/reply.js'
import { exchangeOf, gate, identityOf } from '../src/koa.js'
import { refuse } from '../src/refusal.js'

afterEach(closeApps)

function policy(handle: Policy['handle'], name = 'test'): Policy {
  return { name, handle }
}

const outer: Middleware = (ctx, next) => {
  ctx.set('X-Outer', 'outer')
  return next()
}

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

test('bytes of a policy are bytes, whatever array they come in', async () => {
  const body = new TextEncoder().encode('stored')
  const { url } = await start(
    gate([policy(() => Promise.resolve({ kind: 'answer', status: 200, headers: {}, body }))]),
  )
  expect(await (await fetch(url)).text()).toBe('stored')
})

test('a handler that throws nothing is still an error', async () => {
  const { url } = await start(gate([]), () => Promise.reject(undefined))
  expect((await fetch(url)).status).toBe(500)
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
          withHeaders(await next(), {
            'x-body': Buffer.from((await exchange.body(99)) as Uint8Array).toString(),
          }),
        ),
      ]),
      (ctx) => void (ctx.body = 'x'),
    )
    expect((await fetch(url, { method: 'POST', body: 'ignored' })).headers.get('x-body')).toBe(
      '{"parsed":true}',
    )
  })

  test('does not take what a parser set for content that it left unread', async () => {
    const { url } = await start(
      (ctx, next) => {
        Object.assign(ctx.request, { body: {} })
        return next()
      },
      gate([
        policy(async (exchange, next) =>
          withHeaders(await next(), {
            'x-body': Buffer.from((await exchange.body(99)) as Uint8Array).toString(),
          }),
        ),
      ]),
      (ctx) => void (ctx.body = 'x'),
    )
    const headers = { 'content-type': 'application/octet-stream' }
    expect((await fetch(url, { method: 'POST', body: 'AAA', headers })).headers.get('x-body')).toBe('AAA')
  })

  test('an address in absolute form is the same address', async () => {
    const seen: unknown[] = []
    const { port } = await start(gate([]), (ctx) => {
      const { path, query } = exchangeOf(ctx) as Exchange
      seen.push([path, query])
      ctx.body = ''
    })
    const rest = ' HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
    for (const target of ['/a?b=1', 'http://h/a?b=1', 'HTTP://other:80/a?b=1'])
      await rawRequest(port, `GET ${target}${rest}`)
    await rawRequest(port, `GET http://h${rest}`)
    expect(seen).toEqual([
      ['/a', 'b=1'],
      ['/a', 'b=1'],
      ['/a', 'b=1'],
      ['/', ''],
    ])
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

  test('however many gates stand between them', async () => {
    const charging = policy((_exchange, next) => next(), 'rateLimit')
    const { url } = await start(gate([charging]), gate([]), gate([charging]), (ctx) => void (ctx.body = 'x'))
    expect((await fetch(url)).status).toBe(500)
  })

  test('an identity from other middleware is used', async () => {
    const { url } = await start(
      gate([], { identity: () => identity }),
      (ctx) => void (ctx.body = identityOf(ctx)?.subject),
    )
    expect(await (await fetch(url)).text()).toBe('ann')
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
