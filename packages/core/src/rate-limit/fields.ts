import type { Fields } from '../fields.js'
import type { QuotaState } from './store.js'

/**
 * Which header fields tell clients about quotas: `RateLimit` and `RateLimit-Policy` as revision 11 of
 * draft-ietf-httpapi-ratelimit-headers writes them; `X-RateLimit-*`, which can tell of one quota; both, or none.
 */
export type FieldsVersion = 'draft-11' | 'legacy' | 'both' | 'none'

/** The largest integer of a structured field (RFC 9651 3.3.1). */
export const LARGEST_INTEGER = 999_999_999_999_999

/** A quota's name is written as a String today; the draft is about to write it as a Token (RFC 9651 3.3.4). */
export const TOKEN = /^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*$/

/** One quota, as `RateLimit-Policy` says it. */
export interface QuotaTerms {
  readonly name: string
  readonly limit: number
  /** In milliseconds; undefined where windows differ in length: a calendar month. */
  readonly window: number | undefined
}

/**
 * The `RateLimit-Policy` field: `"burst";q=100;w=60`. A window that is no whole number of seconds has no form;
 * neither has a month, of which no number of seconds is always true: the `t` of `RateLimit` says when it ends.
 *
 * @param partitions whose budget each is, as base64.
 */
export function policyField(quotas: readonly QuotaTerms[], partitions?: readonly string[]): string {
  return quotas
    .map(({ name, limit, window }, index) => {
      const length = window !== undefined && window % 1_000 === 0 ? `;w=${window / 1_000}` : ''
      return `"${name}";q=${limit}${length}${partitionOf(partitions, index)}`
    })
    .join(', ')
}

/** A Byte Sequence (RFC 9651 3.3.5). */
function partitionOf(partitions: readonly string[] | undefined, index: number): string {
  return partitions === undefined ? '' : `;pk=:${partitions[index]}:`
}

/**
 * The `RateLimit` field: `"burst";r=50;t=30`. `t` is when more is there: on a denial, when the request fits, and only
 * for the quotas that denied it, since the others do not say when to come back.
 *
 * @param partitions whose budget each is, as base64.
 */
export function stateField(
  names: readonly string[],
  states: readonly QuotaState[],
  partitions?: readonly string[],
): string {
  const denied = states.some(({ wait }) => wait > 0)
  let field = ''
  for (const [index, { remaining, renewal, wait }] of states.entries()) {
    const time = denied ? wait : renewal
    const reset = time > 0 && time !== Number.POSITIVE_INFINITY ? `;t=${wholeSeconds(time)}` : ''
    field += `${index === 0 ? '' : ', '}"${names[index]}";r=${remaining}${reset}${partitionOf(partitions, index)}`
  }
  return field
}

/** Microseconds as seconds that are never too early and never 0. */
export function wholeSeconds(microseconds: number): number {
  return Math.max(1, Math.ceil(microseconds / 1_000_000))
}

/**
 * The older fields, for the quota that is tightest. `X-RateLimit-Reset` is when more is there, in whole seconds since
 * the Unix epoch.
 *
 * @param now in milliseconds since the epoch.
 */
export function legacyFields(
  quotas: readonly QuotaTerms[],
  states: readonly QuotaState[],
  now: number,
): Fields {
  let tightest = 0
  states.forEach(({ remaining, wait }, index) => {
    const best = states[tightest] as QuotaState
    if (wait > best.wait || (wait === best.wait && remaining < best.remaining)) tightest = index
  })
  const { remaining, renewal, wait } = states[tightest] as QuotaState
  const time = wait > 0 && wait !== Number.POSITIVE_INFINITY ? wait : renewal
  return {
    'x-ratelimit-limit': String(quotas[tightest]?.limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Math.ceil((now + time / 1_000) / 1_000)),
  }
}

/** Puts the quotas of an inner limiter behind those of this one: the new fields are lists, the older tell of one quota. */
export function joinFields(own: Fields, inner: Fields): Fields {
  if (!Object.keys(own).some((name) => inner[name] !== undefined)) return own
  const innerIsTighter = Number(inner[LEGACY_REMAINING]) <= Number(own[LEGACY_REMAINING])
  const joined = Object.entries(own).flatMap(([name, value]) => {
    const other = inner[name]
    if (other === undefined) return [[name, value] as const]
    if (name.startsWith('x-')) return [[name, innerIsTighter ? other : value] as const]
    return [[name, `${String(value)}, ${String(other)}`] as const]
  })
  return Object.fromEntries(joined)
}

const LEGACY_REMAINING = 'x-ratelimit-remaining'
