import { type Fields, linesOf } from '../fields.js'
import type { Answer } from '../reply.js'
import {
  type Directives,
  fieldNamesOf,
  isPermitted,
  isUnqualified,
  parseDirectives,
} from './cache-control.js'
import { initialAgeOf, lifetimeOf, type Timing } from './freshness.js'
import type { CacheNotStoredReason } from './reasons.js'
import type { CheckedRule } from './rule.js'
import { type FieldNames, selectingFields } from './vary.js'

/** How an answer may be stored. */
export interface Storable {
  /** For everybody, or for callers with the same identity. */
  readonly shared: boolean
  /** In milliseconds, counted from age 0. */
  readonly lifetime: number
  readonly initialAge: number
  readonly vary: FieldNames
  /** Fields that `no-cache="x"` and `private="x"` keep out of the store. */
  readonly excluded: readonly string[]
  /**
   * The `Cache-Control` the client must see instead of the answer's own, so that it knows the rule's freshness and no
   * cache after this one shares more than this one does.
   */
  readonly cacheControl: string | undefined
}

/** What is known about the request. */
export interface Asked {
  readonly method: string
  /** Whether somebody is named. All who are not share a partition. */
  readonly named: boolean
  readonly rule: CheckedRule
}

/**
 * Partial content, answers to preconditions that are no part of the key, and those that RFC 6585 forbids to store.
 */
const NEVER: ReadonlySet<number> = new Set([206, 304, 412, 416, 428, 429, 431, 511])

/** Statuses of which the rule's `ttl` speaks. */
const BY_RULE: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308])

/** Errors that may be stored, with a freshness of their own only: a passing fault must not last. */
const LASTING_ERRORS: ReadonlySet<number> = new Set([404, 410])

/** Statuses that `must-understand` may rely on. */
const UNDERSTOOD: ReadonlySet<number> = new Set([...BY_RULE, ...LASTING_ERRORS, 302, 303, 307])

/** Decides at the headers whether an answer may be stored, for whom and for how long (RFC 9111 3). Pure. */
export function storability(answer: Answer, asked: Asked, timing: Timing): Storable | CacheNotStoredReason {
  const { status, headers } = answer
  const control = parseDirectives(linesOf(headers, 'cache-control'))
  const forbidden = forbids(answer, control, asked)
  if (forbidden !== undefined) return forbidden

  const vary = selectingFields(headers, asked.rule.vary)
  if (vary === '*') return 'vary'
  const own = lifetimeOf(headers, control, timing.responseTime)
  const lifetime = own ?? (BY_RULE.has(status) ? asked.rule.ttl : undefined)
  if (lifetime === undefined) return 'no-freshness'
  const initialAge = initialAgeOf(headers, timing)
  if (initialAge >= lifetime) return 'stale'

  const isPrivate = isUnqualified(control, 'private')
  const declared = isPermitted(control, 'public') || control.has('s-maxage')
  const shared = !isPrivate && (asked.rule.isPublic || declared)
  return {
    shared,
    lifetime,
    initialAge,
    vary,
    excluded: [...(fieldNamesOf(control, 'no-cache') ?? []), ...(fieldNamesOf(control, 'private') ?? [])],
    cacheControl: cacheControlOf(headers, [
      ...(isPrivate || declared ? [] : scopeOf(asked, own !== undefined)),
      ...(own === undefined ? [`max-age=${Math.floor(lifetime / 1000)}`] : []),
    ]),
  }
}

/** The scope to write where the answer declares none. */
function scopeOf({ named, rule }: Asked, ownFreshness: boolean): readonly string[] {
  if (rule.isPublic) return ownFreshness ? [] : ['public']
  // To nobody in particular and fresh by its own word: it means what it says.
  return ownFreshness && !named ? [] : ['private']
}

/** What rules an answer out, whatever its freshness. */
function forbids(
  { status, headers }: Answer,
  control: Directives,
  asked: Asked,
): CacheNotStoredReason | undefined {
  if (asked.method === 'HEAD') return 'head'
  if (status < 200 || NEVER.has(status)) return 'status'
  if (status >= 400 && !LASTING_ERRORS.has(status)) return 'status'
  if (headers['set-cookie'] !== undefined) return 'set-cookie'
  const mustUnderstand = control.has('must-understand')
  if (mustUnderstand && !UNDERSTOOD.has(status)) return 'status'
  // A cache that understands the status ignores the `no-store` meant for those that don't (RFC 9111 5.2.2.3).
  if (control.has('no-store') && !mustUnderstand) return 'no-store'
  if (isUnqualified(control, 'no-cache')) return 'no-cache'
  // Nobody is named: there is no partition that only the one who asked can see.
  if (isUnqualified(control, 'private') && !asked.named) return 'private'
  return isEventStream(headers) ? 'event-stream' : undefined
}

function isEventStream(headers: Fields): boolean {
  const [type = ''] = linesOf(headers, 'content-type')
  return type.trimStart().toLowerCase().startsWith('text/event-stream')
}

function cacheControlOf(headers: Fields, more: readonly string[]): string | undefined {
  return more.length === 0 ? undefined : [...linesOf(headers, 'cache-control'), ...more].join(', ')
}
