import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** A server's connections, and the requests that run on them. */
export interface Connections {
  /** Every answer says `Connection: close`. */
  readonly closing: boolean
  /** Notes a request and what runs for it, until both are done. */
  track(request: IncomingMessage, response: ServerResponse, run: () => unknown): void
  /** From now on every answer says `Connection: close`. */
  closeAfterAnswer(): void
  /**
   * Accepts no connection any more and closes every connection that has no request. Resolves when the last answer
   * is on its way and the last handler, also one whose client left, is done.
   */
  finish(): Promise<void>
}

/** Keeps count of what a server does. */
export function trackConnections(server: Server): Connections {
  const open = new Map<Socket, Set<ServerResponse>>()
  const running = new Set<Promise<unknown>>()
  let closing = false
  let finishing = false

  server.on('connection', (socket) => {
    open.set(socket, new Set())
    socket.once('close', () => open.delete(socket))
  })

  return {
    get closing() {
      return closing
    },
    track({ socket }, response, run) {
      const answers = open.get(socket)
      answers?.add(response)
      if (closing) response.shouldKeepAlive = false
      response.once('close', () => {
        answers?.delete(response)
        if (finishing && answers?.size === 0) socket.destroySoon()
      })
      const done = Promise.resolve(run()).finally(() => running.delete(done))
      running.add(done)
    },
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
 * client: of 20 MB 4 MB arrived (Node 20.20). It also stops the check for slow requests. The TCP server's only stops
 * listening.
 */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => void NetServer.prototype.close.call(server, () => resolve()))
}
