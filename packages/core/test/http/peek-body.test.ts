import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { rawConnection, rawRequest, type Running, serve } from '../../../../test-support/http.js'
import { peekBody } from '../../src/http/peek-body.js'
import { isRefusal } from '../../src/refusal.js'

let running: Running | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

/** Peeks with `limit`, then reads the request as a body parser would, and answers with what both saw. */
async function start(
  limit: number,
  after: (request: IncomingMessage) => Promise<string> = readAll,
): Promise<Running> {
  running = await serve((request, response) => {
    void (async () => {
      const peeked = await peekBody(request, limit)
      if (isRefusal(peeked)) {
        response.writeHead(peeked.status, peeked.headers as Record<string, string>).end(peeked.code)
        return
      }
      const read = await after(request)
      response.end(JSON.stringify({ peeked: Buffer.from(peeked).toString('latin1'), read }))
    })()
  })
  return running
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}

const post = (url: string, body: string | ReadableStream): Promise<Response> =>
  fetch(url, { method: 'POST', body, duplex: 'half' })

describe('peekBody', () => {
  test.each([
    ['a short body', 'hello'],
    ['a body over many chunks', 'x'.repeat(700_000)],
  ])('sees %s, and a later reader sees it again', async (_name, body) => {
    const { url } = await start(1_000_000)
    const { peeked, read } = (await (await post(url, body)).json()) as { peeked: string; read: string }
    expect(peeked === body).toBe(true)
    expect(read === body).toBe(true)
  })

  test('a later reader with data and end events works too', async () => {
    const { url } = await start(1_000, async (request) => {
      let text = ''
      request.on('data', (chunk: Buffer) => (text += chunk.toString()))
      await once(request, 'end')
      return text
    })
    expect(await (await post(url, 'events')).json()).toEqual({ peeked: 'events', read: 'events' })
  })

  test('reads chunked bodies that arrive in pieces', async () => {
    const { url } = await start(1_000)
    const pieces = ['one ', 'two ', 'three']
    const stream = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift()
        if (piece === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(piece))
      },
    })
    expect(await (await post(url, stream)).json()).toEqual({ peeked: 'one two three', read: 'one two three' })
  })

  test('an empty chunked body is empty for both', async () => {
    const { url } = await start(1_000)
    const empty = new ReadableStream({ start: (controller) => controller.close() })
    expect(await (await post(url, empty)).json()).toEqual({ peeked: '', read: '' })
  })

  test('a length over the limit is refused before a byte is read, and the connection ends', async () => {
    const { port } = await start(10)
    const answer = await rawRequest(port, 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000000\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer.toLowerCase()).toContain('connection: close')
    expect(answer).toContain('body-too-large')
  })

  test('a chunked body over the limit is refused when it passes it', async () => {
    const { port } = await start(10)
    const chunk = `14\r\n${'y'.repeat(20)}\r\n`
    const answer = await rawRequest(
      port,
      `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a client that leaves in the middle ends the wait', async () => {
    let result: Promise<unknown> | undefined
    running = await serve((request) => void (result = peekBody(request, 1_000)))
    const requested = once(running.server, 'request')
    const socket = await rawConnection(running.port)
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf')
    await requested
    socket.destroy()
    expect(await result).toMatchObject({ kind: 'refusal', code: 'body-incomplete' })
  })

  test('a body that somebody else consumed is not waited for', async () => {
    running = await serve((request, response) => {
      void (async () => {
        await readAll(request)
        response.end(JSON.stringify(await peekBody(request, 1_000)))
      })()
    })
    expect(await (await post(running.url, 'gone')).json()).toMatchObject({ code: 'body-incomplete' })
  })
})
