import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** A server's connections, and the requests that run on them. */
export interface Connections {
  /** From now on every answer says `Connection: close`. */
  closeAfterAnswer(): void
  /**
   * Accepts no connection any more and closes every connection that has no request. Resolves when the last answer
   * is on its way and the last handler, also one whose client left, is done.
   */
  finish(): Promise<void>
}

/** What answers a request; resolves when nothing of it runs any more. Koa's `callback()` is one. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Hands the server's requests to `handle` and keeps count. */
export function trackConnections(server: Server, handle: Handle): Connections {
  const open = new Map<Socket, Set<ServerResponse>>()
  const running = new Set<Promise<void>>()
  let closing = false
  let finishing = false

  server.on('connection', (socket) => {
    open.set(socket, new Set())
    socket.once('close', () => open.delete(socket))
  })

  server.on('request', (request, response) => {
    const { socket } = request
    const answers = open.get(socket)
    answers?.add(response)
    if (closing) response.shouldKeepAlive = false
    response.once('close', () => {
      answers?.delete(response)
      if (finishing && answers?.size === 0) socket.destroySoon()
    })
    const run = handle(request, response).finally(() => running.delete(run))
    running.add(run)
  })

  return {
    closeAfterAnswer() {
      closing = true
      // Not a header field: Koa drops those when a handler throws.
      for (const answers of open.values()) for (const answer of answers) answer.shouldKeepAlive = false
    },
    async finish() {
      finishing = true
      const closed = stopListening(server)
      for (const [socket, answers] of open) if (answers.size === 0) socket.destroySoon()
      await closed
      await Promise.allSettled(running)
    },
  }
}

/**
 * The HTTP server's own `close()` also destroys connections whose answer is complete but still on its way to a slow
 * client: of 20 MB 4 MB arrived (Node 20.20). The TCP server's only stops listening.
 */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => void NetServer.prototype.close.call(server, () => resolve()))
}
