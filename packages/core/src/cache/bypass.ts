import { isAnonymous } from '../auth/identity.js'
import type { Exchange } from '../exchange.js'
import { type Directives, parseDirectives } from './cache-control.js'
import type { CacheBypassReason } from './reasons.js'
import type { CheckedRule } from './rule.js'

/** Methods whose answers can be kept. POST only where the operation is a read: its content is in the fingerprint. */
const STORABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY', 'POST'])

const NO_CACHE: Directives = parseDirectives(['no-cache'])

/** The caching directives of a request. `Pragma: no-cache` counts where there is no `Cache-Control` (RFC 9111 5.4). */
export function requestDirectives(exchange: Exchange): Directives {
  const control = exchange.header('cache-control')
  if (control !== undefined) return parseDirectives([control])
  const pragma = exchange.header('pragma')
  return pragma !== undefined && parseDirectives([pragma]).has('no-cache') ? NO_CACHE : parseDirectives([])
}

/** Whether the exchange names somebody: their answers are theirs alone. */
export function isNamed({ identity }: Exchange): boolean {
  return identity !== undefined && !isAnonymous(identity)
}

/** Why the cache must stay out of this read; undefined when it need not. */
export function bypassOf(
  exchange: Exchange,
  rule: CheckedRule,
  control: Directives,
): CacheBypassReason | undefined {
  if (!STORABLE_METHODS.has(exchange.method)) return 'method'
  if (control.has('no-store')) return 'no-store'
  if (!isNamed(exchange)) {
    // A credential that no policy verified: the handler may answer it with anything.
    if (exchange.header('authorization') !== undefined) return 'authorization'
    if (exchange.header('cookie') !== undefined && !readsCookies(rule)) return 'cookie'
  }
  // Not a cache's to judge (RFC 9111 4.3.2): they protect against a lost update at the origin.
  if (exchange.header('if-match') !== undefined || exchange.header('if-unmodified-since') !== undefined) {
    return 'precondition'
  }
  return exchange.header('range') === undefined ? undefined : 'range'
}

/** The rule has thought of cookies: they select the answer, or everybody gets the same. */
function readsCookies(rule: CheckedRule): boolean {
  return rule.isPublic || rule.vary.includes('cookie')
}
