import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { rawConnection, rawRequest } from '../../../../test-support/http.js'
import type { RequestHandler } from '../../src/serve/listener.js'
import type { ServeOptions } from '../../src/serve/options.js'
import { serve, serveOn, type Serving } from '../../src/serve/serve.js'

const running: Serving[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain()))
})

const hello: RequestHandler = (_request, response) => void response.end('hello')

async function start(handle: RequestHandler, options: ServeOptions = {}): Promise<number> {
  const serving = await serve({ callback: () => handle }, { port: 0, ...options })
  running.push(serving)
  return Number(new URL(serving.url).port)
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

const HOST = 'Host: x\r\nConnection: close\r\n'

describe('a request head', () => {
  test.each([
    ['two Host lines', `GET / HTTP/1.1\r\n${HOST}host: y\r\n\r\n`, 400],
    ['two Authorization lines', `GET / HTTP/1.1\r\n${HOST}Authorization: a\r\nauthorization: a\r\n\r\n`, 400],
    ['201 lines', `GET / HTTP/1.1\r\n${HOST}${'a: b\r\n'.repeat(199)}\r\n`, 431],
    ['a header over 16 KiB', `GET / HTTP/1.1\r\n${HOST}a: ${'b'.repeat(17_000)}\r\n\r\n`, 431],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a URL without a host', `GET http://[ HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a target that is no path', `GET items HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an asterisk without OPTIONS', `GET * HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a broken percent-encoding', `GET /a%zz HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an encoded NUL', `GET /a%00 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a NUL', `GET /a\0 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a NUL in a field', `GET / HTTP/1.1\r\n${HOST}a: b\0c\r\n\r\n`, 400],
    ['bytes beyond ASCII in the target', `GET /\u00ff HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a length that is no number', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1x\r\n\r\n`, 400],
    ['a negative length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 1\r\n\r\n`, 400],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    ['an unknown expectation', `POST / HTTP/1.1\r\n${HOST}Expect: wonders\r\n\r\n`, 417],
  ])('with %s never reaches the app', async (_what, bytes, status) => {
    let reached = false
    const port = await start((request, response) => {
      reached = true
      hello(request, response)
    })
    expect(statusOf(await rawRequest(port, Buffer.from(bytes, 'latin1')))).toBe(status)
    expect(reached).toBe(false)
  })

  test.each([
    ['200 lines', `GET / HTTP/1.1\r\n${HOST}${'a: b\r\n'.repeat(198)}\r\n`],
    ['a URL', `GET http://x/items?a=b HTTP/1.1\r\n${HOST}\r\n`],
    ['an asterisk with OPTIONS', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
    ['a lone percent sign in the query', `GET /?off=100% HTTP/1.1\r\n${HOST}\r\n`],
    ['two lines of a field that may repeat', `GET / HTTP/1.1\r\n${HOST}Accept: a\r\nAccept: b\r\n\r\n`],
  ])('with %s does', async (_what, bytes) => {
    expect(statusOf(await rawRequest(await start(hello), bytes))).toBe(200)
  })

  test('that is refused ends the connection, and says why in a problem document', async () => {
    const port = await start(hello)
    const answer = await rawRequest(
      port,
      'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
    )
    expect(answer).toMatch(/^connection: close$/im)
    expect(answer).toContain('"code":"request-malformed"')
    expect(answer).not.toContain('hello')
  })
})

describe('Expect: 100-continue', () => {
  const EXPECTING = 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'

  test('an app that answers without the body invites none, and the connection ends', async () => {
    const answer = await rawRequest(await start(hello), EXPECTING)
    expect(statusOf(answer)).toBe(200)
    expect(answer).toMatch(/^connection: close$/im)
  })

  test('an app that reads the body gets it, and the connection stays', async () => {
    const port = await start(async (incoming: IncomingMessage, response: ServerResponse) => {
      const chunks = (await incoming.toArray()) as Buffer[]
      response.end(Buffer.concat(chunks))
    })
    const socket = await rawConnection(port)
    socket.write(EXPECTING)
    expect(String((await once(socket, 'data'))[0])).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('12345')
    const answer = String((await once(socket, 'data'))[0])
    socket.destroy()
    expect(answer).toMatch(/^connection: keep-alive$/im)
    expect(answer).toMatch(/12345$/)
  })
})

describe('a client that stalls', () => {
  test('in its head is told so and cut', async () => {
    const port = await start(hello, { headersTimeout: 100, requestTimeout: 200 })
    expect(statusOf(await rawRequest(port, 'GET / HTTP/1.1\r\nHo'))).toBe(408)
  })

  test('in its body is told so and cut', async () => {
    const port = await start((incoming) => void incoming.resume(), {
      headersTimeout: 100,
      requestTimeout: 200,
    })
    expect(
      statusOf(await rawRequest(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12')),
    ).toBe(408)
  })

  test('and takes nothing of its answer is cut', async () => {
    let closed!: () => void
    const cut = new Promise<void>((resolve) => (closed = resolve))
    const port = await start(
      (_request, response) => {
        response.once('close', closed)
        response.end(Buffer.alloc(50_000_000))
      },
      { writeTimeout: 100 },
    )
    const socket = await deafConnection(port)
    await cut
    socket.destroy()
  })

  test('is not one that waits for a handler or a quiet stream', async () => {
    const port = await start(
      async (_request, response) => {
        await once(response, 'timeout')
        response.write('first')
        await once(response, 'timeout')
        response.end('last')
      },
      { writeTimeout: 50 },
    )
    const answer = await rawRequest(port, `GET / HTTP/1.1\r\n${HOST}\r\n`)
    expect(answer).toContain('first')
    expect(answer).toContain('last')
  })
})

test('more connections than allowed are closed at once', async () => {
  const port = await start(hello, { maxConnections: 1 })
  const first = await rawConnection(port)
  first.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(first, 'data')
  const second = await rawConnection(port)
  await once(second.resume(), 'close')
  first.destroy()
})

describe('serveOn', () => {
  test('serves on a server that the caller makes listen', async () => {
    const server = createServer()
    const { drain } = serveOn(server, { callback: () => hello })
    const answer = await rawRequest(await listening(server), `GET /%zz HTTP/1.1\r\n${HOST}\r\n`)
    await drain()
    expect(statusOf(answer)).toBe(400)
    expect(server.listening).toBe(false)
  })

  test('looks for slow clients as often as serve, whatever the server was made with', async () => {
    const server = createServer()
    const { drain } = serveOn(server, { callback: () => hello }, { headersTimeout: 100 })
    expect(statusOf(await rawRequest(await listening(server), 'GET / HTTP/1.1\r\nHo'))).toBe(408)
    await drain()
  })

  test('parses strictly: a lax parser is refused, and the one of the command line not used', async () => {
    const app = { callback: () => hello }
    expect(() => serveOn(createServer({ insecureHTTPParser: true }), app)).toThrow(/insecureHTTPParser/)
    const server = createServer()
    const { drain } = serveOn(server, app)
    expect(server).toMatchObject({ insecureHTTPParser: false })
    await drain()
  })

  test('refuses a server that would answer twice, and one that speaks no HTTP', () => {
    const app = { callback: () => hello }
    expect(() => serveOn(createServer(hello), app)).toThrow(/already answers/)
    expect(() => serveOn(createTcpServer() as never, app)).toThrow(/node:http/)
  })
})

test.each([
  [{ gracefully: true }, /unknown option 'gracefully'/],
  [{ port: 65_536 }, /port/],
  [{ port: '3000' }, /port/],
  [{ host: '' }, /host/],
  [{ headersTimeout: '31s' }, /headersTimeout/],
  [{ requestTimeout: 0 }, /requestTimeout/],
  [{ keepAliveTimeout: 0 }, /keepAliveTimeout/],
  [{ writeTimeout: -1 }, /writeTimeout/],
  [{ maxConnections: 0 }, /maxConnections/],
  [{ readiness: {} }, /readiness/],
  [{ notice: '5 s' }, /notice/],
  [{ grace: 'soon' }, /grace/],
  [{ close: true }, /close/],
  [{ ownsProcess: 1 }, /ownsProcess/],
  [{ onStopping: 'log' }, /onStopping/],
])('the option in %j that can not be right is named', async (options, message) => {
  const app = { callback: () => hello }
  await expect(serve(app, options as ServeOptions)).rejects.toThrow(message)
})

/** A connection that asks and never reads. */
async function deafConnection(port: number): Promise<Socket> {
  const socket = await rawConnection(port)
  socket.on('error', () => undefined)
  socket.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  return socket
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
