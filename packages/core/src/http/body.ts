import { PassThrough, Readable, Stream } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Body } from '../reply.js'

/** Turns whatever Koa allows as `ctx.body` into bytes or a stream, the way Koa itself would send it. */
export function toBody(value: unknown): Body {
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Readable) return value
  if (value instanceof Stream)
    return (value as Stream & { pipe: NodeJS.ReadableStream['pipe'] }).pipe(new PassThrough())
  if (value instanceof Blob) return fromWeb(value.stream())
  if (value instanceof ReadableStreamOfWeb) return fromWeb(value)
  if (value instanceof Response) return value.body === null ? null : fromWeb(value.body)
  return Buffer.from(JSON.stringify(value))
}

const ReadableStreamOfWeb = globalThis.ReadableStream

function fromWeb(stream: unknown): Readable {
  return Readable.fromWeb(stream as ReadableStream)
}

/**
 * Reads a stream to its end, or until it exceeds `limit`.
 *
 * @returns the bytes; or, over the limit, a stream that gives everything from the first byte on.
 */
export async function readUpTo(stream: Readable, limit: number): Promise<Buffer | Readable> {
  const chunks: Buffer[] = []
  let size = 0
  const source = stream[Symbol.asyncIterator]()
  for (let next = await source.next(); !next.done; next = await source.next()) {
    const chunk = toBuffer(next.value)
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > limit) return continued(stream, chunks, source)
  }
  return Buffer.concat(chunks, size)
}

function continued(stream: Readable, chunks: readonly Buffer[], source: AsyncIterator<unknown>): Readable {
  const whole = Readable.from(resume(chunks, source), { objectMode: false })
  // A client that leaves closes this one, perhaps before it was read: the source must not stay open behind it.
  whole.once('close', () => void stream.destroy())
  return whole
}

async function* resume(chunks: readonly Buffer[], source: AsyncIterator<unknown>): AsyncGenerator<Buffer> {
  yield* chunks
  for (let next = await source.next(); !next.done; next = await source.next()) yield toBuffer(next.value)
}

function toBuffer(chunk: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array)
}
