import type { IncomingMessage } from 'node:http'
import { type Refusal, refuse } from '../refusal.js'

/**
 * Reads a request's whole content and puts it back, so that a body parser that comes later works as before.
 *
 * No body reader on npm leaves the stream readable; after one of them koa-bodyparser and its kin find it ended.
 */
export function peekBody(request: IncomingMessage, limit: number): Promise<Uint8Array | Refusal> {
  const announced = announcedLength(request)
  if (announced === 0) return Promise.resolve(NOTHING)
  if (announced > limit) return Promise.resolve(tooLarge(limit))
  // Consumed by somebody who kept nothing: there is no content any more, and waiting would last for ever.
  if (request.readableEnded || request.destroyed) return Promise.resolve(refuse('body-incomplete'))

  return new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    let size = 0
    const finish = (result: Uint8Array | Refusal): void => {
      request.off('readable', read).off('end', read).off('error', giveUp).off('close', giveUp)
      resolve(result)
    }
    const giveUp = (): void => finish(refuse('body-incomplete'))
    const read = (): void => {
      for (let chunk = request.read(); chunk !== null; chunk = request.read()) {
        size += chunk.byteLength
        if (size > limit) return finish(tooLarge(limit))
        chunks.push(chunk)
      }
      if (!request.complete) return
      const content = Buffer.concat(chunks, size)
      // In the same turn as the last read: one turn later the stream has ended and takes nothing back.
      if (size > 0) request.unshift(content)
      finish(content)
    }
    request.on('readable', read).on('end', read).on('error', giveUp).on('close', giveUp)
  })
}

/** It holds nothing that could be changed: one is enough for all requests. */
const NOTHING = new Uint8Array(0)

/** The length the client announced; `NaN`, which compares as neither, for chunked content. */
function announcedLength({ headers }: IncomingMessage): number {
  if (headers['content-length'] !== undefined) return Number(headers['content-length'])
  return headers['transfer-encoding'] === undefined ? 0 : Number.NaN
}

/** The rest is not read, so the connection can't be used again (RFC 9110 15.5.14). */
function tooLarge(limit: number): Refusal {
  return refuse('body-too-large', {
    detail: `The body is larger than ${limit} bytes.`,
    headers: { connection: 'close' },
  })
}
