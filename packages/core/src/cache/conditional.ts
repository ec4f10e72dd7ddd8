import { hash } from 'node:crypto'
import type { Exchange } from '../exchange.js'
import { type Fields, linesOf } from '../fields.js'
import type { Answer } from '../reply.js'
import { parseHttpDate } from './http-date.js'

/** Fields that describe the content a 304 does not have (RFC 9110 15.4.5). */
const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'trailer',
  'transfer-encoding',
])

/** A strong entity tag made from the content. */
export function entityTagOf(content: Uint8Array): string {
  return `"${hash('sha256', content, 'base64url')}"`
}

/**
 * Whether the client already has the answer (RFC 9110 13.2.2): `If-None-Match` decides alone where it is sent, else
 * `If-Modified-Since` against `Last-Modified`. Conditions count on GET and HEAD and for a 200 only.
 *
 * An answer without `Last-Modified` is not compared by its `Date`: both sides of a write can fall in one second, and
 * the client would keep the older.
 */
export function isNotModified(exchange: Exchange, status: number, headers: Fields, now: number): boolean {
  if (status !== 200 || (exchange.method !== 'GET' && exchange.method !== 'HEAD')) return false
  const ifNoneMatch = exchange.header('if-none-match')
  if (ifNoneMatch !== undefined) {
    return matchesEntityTag(ifNoneMatch, linesOf(headers, 'etag')[0])
  }
  const ifModifiedSince = exchange.header('if-modified-since')
  const [lastModified] = linesOf(headers, 'last-modified')
  if (ifModifiedSince === undefined || lastModified === undefined) return false
  const since = parseHttpDate(ifModifiedSince, now)
  const modified = parseHttpDate(lastModified, now)
  return since !== undefined && modified !== undefined && modified <= since
}

/**
 * Whether an `If-None-Match` value is `*` or lists `etag`, by weak comparison (RFC 9110 8.8.3.2). A list is read up
 * to its first error.
 */
export function matchesEntityTag(list: string, etag: string | undefined): boolean {
  if (list.trim() === '*') return true
  if (etag === undefined) return false
  const opaque = etag.startsWith('W/') ? etag.slice(2) : etag
  const entityTag = /[ \t]*(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,[ \t,]*|$)/y
  for (let match = entityTag.exec(list); match !== null; match = entityTag.exec(list)) {
    if (match[1] === opaque) return true
  }
  return false
}

/** The 304 for an answer: its fields without those of the content. */
export function notModified({ headers }: Pick<Answer, 'headers'>): Answer {
  const kept = Object.entries(headers).filter(([name]) => !CONTENT_FIELDS.has(name))
  return { kind: 'answer', status: 304, headers: Object.fromEntries(kept), body: null }
}
