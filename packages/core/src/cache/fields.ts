import { type Fields, linesOf } from '../fields.js'
import { listMembers } from './list.js'

/**
 * Fields that belong to one exchange and are never stored: those of the connection (RFC 9111 3.1), cookies, budgets,
 * traces and request ids. `Age` is computed anew; `Date` is kept, it says when the answer was made.
 */
const NEVER_STORED: ReadonlySet<string> = new Set([
  'age',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'request-id',
  'retry-after',
  'server-timing',
  'set-cookie',
  'set-cookie2',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-correlation-id',
  'x-request-id',
])

/** So are all fields that begin with one of these: CORS answers the origin that asked, budgets are one caller's. */
const NEVER_STORED_PREFIXES: readonly string[] = ['access-control-', 'ratelimit', 'x-ratelimit']

/**
 * The fields to store: without those that are never stored, those that `Connection` lists, and `others`
 * (`no-cache="x"` and `private="x"` name such).
 */
export function storedFields(headers: Fields, others: readonly string[]): Record<string, Fields[string]> {
  const listed = new Set(
    linesOf(headers, 'connection')
      .flatMap(listMembers)
      .map((name) => name.toLowerCase()),
  )
  const stored: Record<string, Fields[string]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (NEVER_STORED.has(name) || listed.has(name) || others.includes(name)) continue
    if (NEVER_STORED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue
    stored[name] = value
  }
  return stored
}
