import { afterEach, describe, expect, test } from '@jest/globals'
import Koa, { type Middleware } from 'koa'
import { rawRequest, type Running, serve } from '../../../test-support/http.js'
import type { ReportedEvent } from '../src/events.js'
import type { Policy } from '../src/exchange.js'
import { gate, type GateOptions, requestIdOf } from '../src/koa.js'

const servers: Running[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

const hello: Middleware = (ctx) => void (ctx.body = requestIdOf(ctx))
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/

async function start(options: GateOptions, handler: Middleware, ...policies: Policy[]): Promise<Running> {
  const app = new Koa()
  app.silent = true
  const running = await serve(app.use(gate(policies, options)).use(handler).callback())
  servers.push(running)
  return running
}

async function idFor({ port }: Running, ...lines: string[]): Promise<string | undefined> {
  const head = ['GET / HTTP/1.1', 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n')
  return /^x-request-id: (.*)\r$/im.exec(await rawRequest(port, head))?.[1]
}

const requestId = 'x-request-id'
const trustedProxies = { networks: ['127.0.0.1'] }

describe('the request id', () => {
  test('is made by the gate where nobody is trusted, whatever a client sends', async () => {
    const server = await start({ requestId }, hello)
    const first = await idFor(server, 'X-Request-Id: mine')
    expect(first).toMatch(UUID)
    expect(await idFor(server, 'X-Request-Id: mine')).not.toBe(first)
  })

  test('is the trusted proxy’s', async () => {
    expect(await idFor(await start({ requestId, trustedProxies }, hello), 'X-Request-Id: edge-1')).toBe(
      'edge-1',
    )
  })

  test.each([
    ['forges a log line', ['X-Request-Id: a b']],
    ['is no ASCII', ['X-Request-Id: é']],
    ['is empty', ['X-Request-Id:']],
    ['is overlong', [`X-Request-Id: ${'a'.repeat(129)}`]],
    ['is sent twice', ['X-Request-Id: a', 'X-Request-Id: b']],
  ])('is made anew where the proxy’s %s', async (_what, lines) => {
    expect(await idFor(await start({ requestId, trustedProxies }, hello), ...lines)).toMatch(UUID)
  })

  test('is on refusals and on errors that say nothing else', async () => {
    const server = await start({ requestId }, () => {
      throw new Error('the password of the database is hunter2')
    })
    const answer = await rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 500/)
    expect(answer).toMatch(/^x-request-id: [\da-f-]{36}\r$/im)
    expect(answer).not.toContain('hunter2')
    const refused = await rawRequest(server.port, 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(refused).toMatch(/^HTTP\/1\.1 400/)
    expect(refused).toMatch(/^x-request-id: [\da-f-]{36}\r$/im)
  })

  test('is in every event, and the handler can ask for it', async () => {
    const events: ReportedEvent[] = []
    const reporting: Policy = {
      name: 'reporting',
      handle: (exchange, next) => {
        exchange.report({ type: 'cache.bypassed' } as never)
        return next()
      },
    }
    const server = await start({ requestId, onEvent: (event) => void events.push(event) }, hello, reporting)
    const response = await fetch(server.url)
    const id = response.headers.get(requestId)
    expect(await response.text()).toBe(id)
    expect(events).toEqual([expect.objectContaining({ requestId: id })])
  })

  test('of an outer gate holds in an inner one', async () => {
    const inner = gate([], { requestId })
    const server = await start({ requestId }, (ctx, next) =>
      inner(ctx, () => Promise.resolve(hello(ctx, next))),
    )
    const response = await fetch(server.url)
    expect(await response.text()).toBe(response.headers.get(requestId))
  })

  test('is not sent unless somebody asks', async () => {
    expect(await idFor(await start({}, hello))).toBeUndefined()
  })

  test.each(['', 'x request id', 'x:y', 5])('the field %j is none', (name) => {
    expect(() => gate([], { requestId: name as string })).toThrow(/gate: requestId/)
  })
})
