import { Readable } from 'node:stream'
import type { Fields } from '../fields.js'
import type { Answer } from '../reply.js'
import { readUpTo } from '../http/body.js'
import type { IdempotencyRecord } from './store.js'

/** The answer's own fields that a replay has. Everything else belongs to one moment, one connection or one layer. */
export const KEPT_HEADERS: readonly string[] = [
  'content-type',
  'content-language',
  'content-location',
  'content-disposition',
  'location',
  'etag',
  'last-modified',
  'link',
]

/** Fields that are never kept: a credential, a moment, a connection, or set anew for each request. */
const NEVER_KEPT =
  /^(?:set-cookie2?|www-authenticate|proxy-authenticate|authentication-info|proxy-authentication-info|authorization|retry-after|date|age|cache-control|cache-status|content-length|content-encoding|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|traceparent|tracestate|vary|x-request-id|idempotent-replayed|(?:x-)?ratelimit(?:-.*)?|access-control-.*)$/

/** Whether a field may be kept in a record. */
export function isKeepable(name: string): boolean {
  return !NEVER_KEPT.test(name)
}

/** An answer that can go out, and what is stored of it first. */
export interface Captured {
  readonly answer: Answer
  readonly record: IdempotencyRecord
}

/** Reads an answer as far as it can be kept. What is too long or has no end goes on as a stream. */
export async function capture(
  answer: Answer,
  keep: readonly string[],
  maxBodyBytes: number,
): Promise<Captured> {
  const { body } = answer
  if (answer.uncaptured === true || isEndless(answer)) return { answer, record: tombstone(answer) }
  const content = body instanceof Readable ? await readUpTo(body, maxBodyBytes) : body
  const whole = content === body ? answer : { ...answer, body: content }
  if (content instanceof Readable || (content !== null && content.byteLength > maxBodyBytes)) {
    return { answer: whole, record: tombstone(answer) }
  }
  const headers = pick(answer.headers, keep)
  return { answer: whole, record: { outcome: 'answered', status: answer.status, headers, body: content } }
}

/** What is stored of an answer that can't be kept: enough for a retry to know that it must not run again. */
export function tombstone({ status, headers }: Pick<Answer, 'status' | 'headers'>): IdempotencyRecord {
  return { outcome: 'not-kept', status, headers: pick(headers, ['location']), body: null }
}

/** What is stored when the handler threw: its error belongs to the logs, not to a store. */
export const FAILED: IdempotencyRecord = { outcome: 'failed', status: 500, headers: {}, body: null }

/** The stored answer as it goes out again. */
export function replay(record: IdempotencyRecord): Answer {
  const headers = { ...record.headers, 'idempotent-replayed': 'true', 'cache-control': 'no-store' }
  return { kind: 'answer', status: record.status, headers, body: record.body && toBuffer(record.body) }
}

/** Koa sends Buffers as they are; any other Uint8Array it would write as JSON. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function pick(headers: Fields, names: readonly string[]): Fields {
  const picked: Record<string, string | readonly string[]> = {}
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}

/** Types whose streams are not meant to end: waiting for the whole would keep the client waiting for ever. */
function isEndless({ headers, body }: Answer): boolean {
  return (
    body instanceof Readable &&
    /^(?:text\/event-stream|multipart\/x-mixed-replace)\b/i.test(String(headers['content-type']))
  )
}
