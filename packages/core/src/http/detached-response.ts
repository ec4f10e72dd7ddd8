import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/**
 * A response that nobody reads. A handler that runs on it sees no client that can leave: Koa destroys the stream
 * body of a response whose client is gone, and with it the copy that was to be stored.
 */
export function detachedResponse(request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request)
  // Without a socket `write` returns false at the high-water mark and `drain` never comes.
  const nowhere = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  nowhere.on('drain', () => response.emit('drain'))
  response.assignSocket(nowhere as unknown as Socket)
  return response
}
