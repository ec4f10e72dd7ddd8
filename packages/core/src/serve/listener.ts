import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { renderProblem } from '../http/problem.js'
import { type Refusal, REFUSALS } from '../refusal.js'
import type { Connections } from './connections.js'
import { checkHead } from './head.js'

/** What answers a request; a promise of it resolves when nothing of it runs any more. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Hands the server's requests to `handle`, those whose head is sound. */
export function listen(
  server: Server,
  connections: Connections,
  handle: RequestHandler,
  writeTimeout: number,
): void {
  const answer: RequestHandler = (request, response) => {
    cutStalledReader(request, response, writeTimeout)
    const refusal = checkHead(request)
    connections.track(request, response, () =>
      refusal === undefined ? handle(request, response) : send(response, refusal),
    )
  }
  server.on('request', answer)
  server.on('checkContinue', (request, response) => {
    continueWhenRead(connections, request, response)
    answer(request, response)
  })
}

/**
 * A client that takes nothing of its answer would keep the answer in memory for ever: no timeout of Node's covers
 * it. The timer restarts with every byte the client takes; while nothing waits to be sent, as in a handler that works
 * or a stream that is quiet, its end means nothing.
 */
function cutStalledReader({ socket }: IncomingMessage, response: ServerResponse, writeTimeout: number): void {
  response.setTimeout(writeTimeout, () => {
    if (socket.writableLength > 0) socket.destroy()
  })
}

/**
 * Node invites the body of any length (`100 Continue`) before anybody has looked at the request. Here it is invited
 * when the first reader wants it: a refused request costs its head only.
 */
function continueWhenRead(
  connections: Connections,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { shouldKeepAlive } = response
  const read = request.read.bind(request)
  // Nobody knows whether a body follows an answer that came without an invitation (RFC 9110 10.1.1).
  response.shouldKeepAlive = false
  // Every way to a stream's content goes through `read`.
  request.read = (size) => {
    request.read = read
    if (!response.headersSent) {
      response.shouldKeepAlive = shouldKeepAlive && !connections.closing
      response.writeContinue()
    }
    return read(size) as unknown
  }
}

/** What has no sound head has no sound end either: the connection is not used again. */
function send(response: ServerResponse, refusal: Refusal): void {
  const { status, headers, body } = renderProblem(refusal, REFUSALS[refusal.code].title)
  response.shouldKeepAlive = false
  response.writeHead(status, headers as Record<string, string>).end(body)
}
