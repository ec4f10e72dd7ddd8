import type { IncomingMessage } from 'node:http'

/** What body parsers leave on Koa's request. */
interface Parsed {
  readonly rawBody?: unknown
  readonly body?: unknown
  readonly files?: unknown
}

/**
 * What a body parser before the gate read: the text (koa-bodyparser) or only the parsed value.
 *
 * A parser that does not know the media type sets `body` to `{}` and reads nothing: then the content is still to be
 * read, and that value says nothing of it. Uploaded files (koa-body) are in no `body` either.
 *
 * @returns undefined where the content must come from the request itself.
 */
export function parsedBody(request: object, incoming: IncomingMessage): Uint8Array | undefined {
  const { rawBody, body, files } = request as Parsed
  if (typeof rawBody === 'string') return Buffer.from(rawBody)
  if (rawBody instanceof Uint8Array) return rawBody
  if (body === undefined || files !== undefined || !incoming.readableEnded) return undefined
  try {
    return Buffer.from(JSON.stringify(body))
  } catch {
    return undefined // a parser of one's own can make what is no JSON
  }
}
