import type { Clock } from '../clock.js'
import type { Exchange } from '../exchange.js'
import type { Answer } from '../reply.js'
import { secondsOf, type Directives } from './cache-control.js'
import type { CacheStatus } from './cache-status.js'
import { isNotModified, notModified } from './conditional.js'
import type { CacheLookup } from './store.js'

type Hit = Extract<CacheLookup, { state: 'hit' }>

/** Why a stored answer must not be served; undefined when it may. */
export function whyUnusable(hit: Hit, control: Directives): 'stale' | 'request' | undefined {
  const { age, ttl } = agedNow(hit)
  if (ttl <= 0) return 'stale'
  return control.size === 0 || isWanted(control, age, ttl) ? undefined : 'request'
}

/** The stored answer as the client gets it: with its age, without content for HEAD, as a 304 if that is enough. */
export function answerFrom(
  { status, clock }: { readonly status: CacheStatus; readonly clock: Clock },
  exchange: Exchange,
  hit: Hit,
): Answer {
  const { answer } = hit
  const { age, ttl } = agedNow(hit)
  // As in withHeaders: spread and members at once cost several times as much.
  const headers = Object.assign({}, answer.headers, {
    age: String(Math.floor(age / 1000)),
    'cache-status': status.hit(answer.headers, ttl),
  })
  // The handler did nothing: what is left of the cost is the request itself.
  exchange.spent = 1
  const unchanged = isNotModified(exchange, answer.status, headers, clock.now())
  exchange.report({ type: 'cache.hit', age, ttl, notModified: unchanged })
  if (unchanged) return notModified({ headers })
  const body = exchange.method === 'HEAD' ? null : answer.body
  return { kind: 'answer', status: answer.status, headers, body }
}

function agedNow({ answer, residence }: Hit): { readonly age: number; readonly ttl: number } {
  const age = answer.initialAge + residence
  return { age, ttl: answer.lifetime - age }
}

/** Whether a request takes a fresh answer of this age with so much time left (RFC 9111 5.2.1). */
function isWanted(control: Directives, age: number, ttl: number): boolean {
  const maxAge = secondsOf(control, 'max-age')
  const minFresh = secondsOf(control, 'min-fresh') ?? 0
  return !control.has('no-cache') && (maxAge === undefined || age <= maxAge * 1000) && ttl >= minFresh * 1000
}
