import { gate, type Policy, serve } from '@headgate/core'
import { graphql } from '@headgate/graphql-adapter'
import { operation, rest } from '@headgate/rest-adapter'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import Koa from 'koa'
import { z } from 'zod'
import { rawRequest, serve as serveBare } from '../http.js'

const HEAD = 'Host: x\r\nConnection: close\r\n'
const JSON_TYPE = 'Content-Type: application/json\r\n'

/** Wrong wherever it is sent. */
const MALFORMED: readonly (readonly [what: string, bytes: string])[] = [
  ['a URL without a host', `GET http://[ HTTP/1.1\r\n${HEAD}\r\n`],
  ['a URL of another kind', `GET file:///etc/passwd HTTP/1.1\r\n${HEAD}\r\n`],
  ['a target that is no path', `GET items HTTP/1.1\r\n${HEAD}\r\n`],
  ['a broken percent-encoding', `GET /items/%zz HTTP/1.1\r\n${HEAD}\r\n`],
  ['an encoded NUL', `GET /items/%00 HTTP/1.1\r\n${HEAD}\r\n`],
  ['a NUL', `GET /items/\0 HTTP/1.1\r\n${HEAD}\r\n`],
  ['a NUL in a field', `GET /items HTTP/1.1\r\n${HEAD}a: \0\r\n\r\n`],
  ['an overlong field', `GET /items HTTP/1.1\r\n${HEAD}a: ${'a'.repeat(20_000)}\r\n\r\n`],
  ['a length that is none', `POST /items HTTP/1.1\r\n${HEAD}Content-Length: 0x1\r\n\r\n{`],
  ['two lengths', `POST /items HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`],
  ['a chunk without a length', `POST /items HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
]

/** Wrong for an endpoint that takes JSON. */
const BODIES: readonly (readonly [what: string, head: string, body: string])[] = [
  ['half a document', JSON_TYPE, '{"name":'],
  ['bytes that are no UTF-8', JSON_TYPE, '"\u00ff"'],
  ['another charset', 'Content-Type: application/json; charset=utf-16\r\n', '{}'],
  ['a charset that is none', 'Content-Type: application/json; charset=\u00ff\r\n', '{}'],
  ['no media type', '', '{}'],
  ['a media type that is none', 'Content-Type: ;;;\r\n', '{}'],
  ['a content coding that it is not', `${JSON_TYPE}Content-Encoding: gzip\r\n`, 'junk'],
  ['a content coding that nobody knows', `${JSON_TYPE}Content-Encoding: x\r\n`, '{}'],
  ['a document that is too deep', JSON_TYPE, '['.repeat(100_000)],
]

/** A gate with both protocols and a plain route behind it. */
function application(seen: string[]): Koa {
  const watch: Policy = {
    name: 'watch',
    handle: (exchange, next) => {
      seen.push(exchange.operation.name)
      return next()
    },
  }
  const router = new Router()
  router.get('/items/:id', operation({}), (ctx) => void (ctx.body = ctx['params'].id))
  router.post('/items', operation({ body: z.object({ name: z.string() }) }), (ctx) => void (ctx.status = 201))
  const schema = buildSchema('type Query { hello(name: String): String }')
  const app = new Koa()
  app.silent = true
  app.use(
    gate([watch], { channels: [graphql({ schema, path: '/graphql' }), rest(router, { unmatched: 'pass' })] }),
  )
  return app.use((ctx) => void (ctx.body = `${ctx.path} ${String(ctx.query['q'])}`))
}

function post(path: string, head: string, body: string): Buffer {
  const length = Buffer.byteLength(body, 'latin1')
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${HEAD}${head}Content-Length: ${length}\r\n\r\n${body}`,
    'latin1',
  )
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

describe.each([
  ['a server with the core’s limits', true],
  ['any server', false],
])('behind %s', (_which, limited) => {
  const seen: string[] = []
  let port: number
  let close: () => Promise<void>

  beforeAll(async () => {
    const app = application(seen)
    const running = limited ? await serve(app, { port: 0 }) : await serveBare(app.callback())
    port = Number(new URL(running.url).port)
    close = 'drain' in running ? running.drain : () => running.close()
  })
  afterAll(() => close())

  test.each(MALFORMED)('%s is the client’s fault', async (_what, bytes) => {
    for (const path of ['/items', '/graphql', '/elsewhere']) {
      const status = statusOf(await rawRequest(port, Buffer.from(bytes.replace('/items', path), 'latin1')))
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
    }
  })

  test.each(BODIES)('%s is too', async (_what, head, body) => {
    for (const path of ['/items', '/graphql']) {
      const answer = await rawRequest(port, post(path, head, body))
      expect([400, 415, 422]).toContain(statusOf(answer))
      expect(answer).toMatch(/"code":"[A-Za-z_-]+"/)
    }
  })

  test('a body that is announced too large is refused before it is sent', async () => {
    for (const path of ['/items', '/graphql']) {
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${JSON_TYPE}Content-Length: 5000000000\r\n\r\n`
      const answer = await rawRequest(port, head)
      expect(statusOf(answer)).toBe(413)
      expect(answer).toMatch(/^connection: close$/im)
    }
  })

  test('what only looks odd is served', async () => {
    const odd = await rawRequest(port, `GET http://y/elsewhere?q=%zz HTTP/1.1\r\n${HEAD}\r\n`)
    expect(statusOf(odd)).toBe(200)
  })
})

test('a target that nobody can read passes the policies like any other request', async () => {
  const seen: string[] = []
  const running = await serveBare(application(seen).callback())
  const answer = await rawRequest(running.port, `GET http://[ HTTP/1.1\r\n${HEAD}\r\n`)
  await running.close()
  expect(answer).toContain('"code":"request-malformed"')
  expect(seen).toEqual(['GET (malformed)'])
})
