import { Readable } from 'node:stream'
import type { Clock } from '../clock.js'
import type { Exchange, Next } from '../exchange.js'
import { type Fields, linesOf } from '../fields.js'
import { type Answer, type Reply, withHeaders } from '../reply.js'
import { isNamed } from './bypass.js'
import type { CacheStatus, Forward } from './cache-status.js'
import { parseDirectives } from './cache-control.js'
import { entityTagOf, isNotModified, notModified } from './conditional.js'
import { prepareFill } from './fill.js'
import { formatHttpDate } from './http-date.js'
import type { CheckedRule } from './rule.js'
import type { CacheNotStoredReason } from './reasons.js'
import { type Storable, storability } from './storable.js'
import type { CacheStore } from './store.js'
import { isRespelling } from './tags.js'
import { tee } from './tee.js'
import { withVary } from './vary.js'

/** What a miss needs of its cache. */
export interface ForwardSetting {
  readonly store: CacheStore
  readonly clock: Clock
  readonly status: CacheStatus
  readonly maxBodyBytes: number
}

/** What the lookup found out about a request that the handler must answer. */
export interface Missed {
  readonly reason: Exclude<Forward, 'bypass' | 'method'>
  readonly ticket: string
  /** The key among the caller's own answers, and the key among everybody's. */
  readonly ownKey: string
  readonly publicKey: string
}

/** Lets the handler answer, and stores what it answers if that is allowed. The first byte is never held back. */
export async function forward(
  setting: ForwardSetting,
  exchange: Exchange,
  rule: CheckedRule,
  missed: Missed,
  next: Next,
): Promise<Reply> {
  exchange.report({ type: 'cache.miss', reason: missed.reason })
  const requestTime = setting.clock.now()
  const reply = await next()
  if (reply.kind === 'refusal') return reply
  if (reply.uncaptured) {
    exchange.report({ type: 'cache.not-stored', reason: 'uncaptured' })
    return reply
  }

  const responseTime = setting.clock.now()
  const asked = { method: exchange.method, named: isNamed(exchange), rule }
  const how = storability(reply, asked, { requestTime, responseTime })
  const answer = { ...reply, headers: clientHeaders(setting, exchange, rule, reply, how, responseTime) }
  const { body, outcome } = keep(setting, exchange, missed, answer, how)
  const line = setting.status.forwarded(answer.headers, { fwd: missed.reason, ...said(outcome) })
  const sent = isAnsweredByTag(exchange, answer, responseTime) ? notModified(answer) : { ...answer, body }
  return withHeaders(sent, { 'cache-status': line })
}

function said(outcome: 'stored' | CacheNotStoredReason | undefined): { stored?: boolean; detail?: string } {
  if (outcome === undefined) return {}
  return outcome === 'stored' ? { stored: true } : { stored: false, detail: outcome }
}

/** Stores bytes at once and a stream when it has passed by. */
function keep(
  { store, clock, maxBodyBytes }: ForwardSetting,
  exchange: Exchange,
  { ticket, ownKey, publicKey }: Missed,
  answer: Answer,
  how: Storable | CacheNotStoredReason,
): { readonly body: Answer['body']; readonly outcome: 'stored' | CacheNotStoredReason | undefined } {
  const { body } = answer
  const refuse = (reason: CacheNotStoredReason): { body: Answer['body']; outcome: CacheNotStoredReason } => {
    exchange.report({ type: 'cache.not-stored', reason })
    return { body, outcome: reason }
  }
  if (typeof how === 'string') return refuse(how)
  if (isRespelling(exchange, answer)) return refuse('spelling')
  if (announcedLength(answer) > maxBodyBytes) return refuse('too-large')
  const place = { exchange, ticket, key: how.shared ? publicKey : ownKey }
  const fill = prepareFill(store, clock, place, answer, how)
  if (typeof fill === 'string') return refuse(fill)
  if (!(body instanceof Readable)) return { body, outcome: fill(body) }
  const through = tee(body, maxBodyBytes, (copy) => {
    if (typeof copy === 'string') refuse(copy)
    else fill(copy)
  })
  return { body: through, outcome: undefined }
}

/** `NaN`, which is larger than nothing, where a stream does not say. */
function announcedLength({ body, headers }: Answer): number {
  return body instanceof Readable ? Number(headers['content-length']) : (body?.byteLength ?? 0)
}

/** The fields that the client gets, and later ones from the store. */
function clientHeaders(
  { maxBodyBytes }: ForwardSetting,
  exchange: Exchange,
  rule: CheckedRule,
  answer: Answer,
  how: Storable | CacheNotStoredReason,
  responseTime: number,
): Fields {
  const headers = withVary(answer.headers, typeof how === 'string' ? rule.vary : how.vary)
  const more: Record<string, string> = {}
  if (typeof how !== 'string') {
    if (headers['date'] === undefined) more['date'] = formatHttpDate(responseTime)
    if (how.cacheControl !== undefined) more['cache-control'] = how.cacheControl
  }
  const content = contentToTag(exchange, answer, maxBodyBytes)
  if (content !== undefined) more['etag'] = entityTagOf(content)
  return { ...headers, ...more }
}

/**
 * The content to make an entity tag from. What a handler gives to HEAD is what GET would get, and Koa leaves it out;
 * where it gives nothing, nobody knows. What may not be kept need not be named.
 */
function contentToTag(
  { method, operation }: Exchange,
  { status, headers, body }: Answer,
  most: number,
): Uint8Array | undefined {
  if (status !== 200 || headers['etag'] !== undefined) return undefined
  if (!(body instanceof Uint8Array) || body.byteLength > most) return undefined
  if (method === 'HEAD' ? body.byteLength === 0 : method !== 'GET' && operation.byAnyMethod !== true) {
    return undefined
  }
  return parseDirectives(linesOf(headers, 'cache-control')).has('no-store') ? undefined : body
}

/** A stream is sent whole: it flows already. */
function isAnsweredByTag(exchange: Exchange, { status, headers, body }: Answer, now: number): boolean {
  return !(body instanceof Readable) && isNotModified(exchange, status, headers, now)
}
