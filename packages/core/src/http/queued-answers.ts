import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** Answers that wait until the answers before them on the same connection are sent (pipelining, RFC 9112 9.3.2). */
export interface QueuedAnswers {
  /** Has an answer that waits closed together with its connection. Any other is left alone: Node does it. */
  add(response: ServerResponse): void
}

/**
 * Of a connection that closes Node tells its first answer only (Node 20.20). Those behind it would never close: their
 * handlers would go on for nobody, and what they stream from would stay open for good.
 */
export function queuedAnswers(): QueuedAnswers {
  const queues = new WeakMap<Socket, Set<ServerResponse>>()

  return {
    add(response) {
      // Null while it waits; the connection is known from the request.
      if (response.socket !== null) return
      const { socket } = response.req
      if (socket.destroyed) return close(response)
      const queue = queues.get(socket) ?? newQueue(socket)
      queue.add(response)
      response.once('close', () => queue.delete(response))
    },
  }

  /** One listener for each connection, however many requests it brings. */
  function newQueue(socket: Socket): Set<ServerResponse> {
    const queue = new Set<ServerResponse>()
    queues.set(socket, queue)
    socket.once('close', () => {
      for (const response of queue) if (response.socket === null && !response.closed) close(response)
    })
    return queue
  }
}

/** As Node closes one: it is given a connection, and that one is gone. */
function close(response: ServerResponse): void {
  response.assignSocket(new Socket().destroy())
}
