import type { ServerResponse } from 'node:http'
import type { Fields } from '../fields.js'
import type { Answer } from '../reply.js'
import { toBody } from './body.js'
import { fieldsSince, writeFields } from './fields.js'

/** The part of a Koa context that a handler answers by. */
export interface Answering {
  readonly method: string
  readonly res: ServerResponse
  readonly message: string
  respond?: boolean | undefined
  status: number
  body: unknown
  length: number
}

/** An error that a handler meant for the client. */
export interface HandlerError {
  readonly status: number
  readonly message: string
  readonly headers: Fields
}

/** How a protocol renders such errors. Undefined: as Koa does. */
export type RenderError = ((error: HandlerError) => Answer) | undefined

/** Statuses that have no content (RFC 9110 15). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** What the handler left on the context, as a value. `before`: the fields that were there already. */
export function captureAnswer(ctx: Answering, before: Fields, renderError: RenderError): Answer {
  const headers = fieldsSince(before, ctx.res)
  const { status } = ctx
  if (ctx.respond === false || ctx.res.headersSent) {
    return { kind: 'answer', status, headers, body: null, uncaptured: true }
  }
  if (ctx.body === undefined && !BODILESS.has(status)) {
    const bare = { status, message: ctx.message, headers }
    if (status >= 400 && renderError !== undefined) return renderError(bare)
    if (ctx.method !== 'HEAD') return textAnswer(bare)
  }
  return { kind: 'answer', status, headers, body: toBody(ctx.body) }
}

/**
 * An error a handler made for the client (`ctx.throw(404)`) is its answer. Any other is rethrown, to reach Koa when the
 * policies have cleaned up after it.
 */
export function answerError(error: unknown, renderError: RenderError = textAnswer): Answer {
  const { status, expose, message, headers } = (error ?? {}) as Partial<
    Record<keyof HandlerError | 'expose', unknown>
  >
  // Koa answers nothing at all where nothing is thrown.
  if (expose !== true || typeof status !== 'number') throw error ?? new Error('a handler threw nothing')
  return renderError({ status, message: String(message), headers: lowerCased(headers) })
}

/** What a handler writes to a response that nobody reads is lost, and its client would wait for ever. */
export function wholeAnswer(answer: Answer): Answer {
  if (!answer.uncaptured) return answer
  throw new Error(
    'gate: a handler wrote to the response itself where its answer is to be kept or shared; ' +
      "answer with ctx.body, or describe the operation with idempotency 'off' and cache 'off'",
  )
}

/**
 * Puts an answer on the context, beside the fields of outer middleware. Koa's setters change status, type and length
 * as a side effect: body, then status, then the fields.
 */
export function writeAnswer(ctx: Answering, outer: Fields, answer: Answer): void {
  if (answer.uncaptured || ctx.res.headersSent) return
  const { body, status, headers } = answer
  const type = headers['content-type']
  // Koa looks a type up where none is set, and writes `null` where nothing is said in JSON.
  if (body === null) ctx.res.removeHeader('content-type')
  else if (type !== undefined) ctx.res.setHeader('content-type', type)
  const bytes = body instanceof Uint8Array
  // Koa sends a Uint8Array that is no Buffer as JSON.
  ctx.body = bytes ? bufferOf(body) : body
  ctx.status = status
  // Of bytes Koa has set the length, whatever the answer says; of HEAD's it is what GET would answer.
  writeFields(ctx.res, outer, headers, bytes && ctx.method !== 'HEAD' ? 'content-length' : undefined)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A field of outer middleware that the handler took away stays away. */
export function forgetRemoved(fields: Record<string, unknown>, response: ServerResponse): void {
  for (const name of Object.keys(fields)) {
    if (!response.hasHeader(name)) delete fields[name]
  }
}

/** A status without a body gets its phrase as the body, as in Koa. */
function textAnswer({ status, message, headers }: HandlerError): Answer {
  const type = { 'content-type': 'text/plain; charset=utf-8' }
  return { kind: 'answer', status, headers: { ...headers, ...type }, body: Buffer.from(message) }
}

function lowerCased(headers: unknown): Fields {
  const entries = Object.entries((headers ?? {}) as Fields)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]))
}
