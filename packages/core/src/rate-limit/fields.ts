import type { Fields } from '../fields.js'
import type { QuotaState } from './store.js'

/**
 * Which header fields tell clients about quotas: `RateLimit` and `RateLimit-Policy` as revision 11 of
 * draft-ietf-httpapi-ratelimit-headers writes them, or none.
 */
export type FieldsVersion = 'draft-11' | 'none'

/** The largest integer of a structured field (RFC 9651 3.3.1). */
export const LARGEST_INTEGER = 999_999_999_999_999

/** A quota's name is written as a String today; the draft is about to write it as a Token (RFC 9651 3.3.4). */
export const TOKEN = /^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*$/

/** One quota, as `RateLimit-Policy` says it. */
export interface QuotaTerms {
  readonly name: string
  readonly limit: number
  /** In milliseconds. */
  readonly window: number
}

/** The `RateLimit-Policy` field: `"burst";q=100;w=60`. A window that is no whole number of seconds has no form. */
export function policyField(quotas: readonly QuotaTerms[]): string {
  return quotas
    .map(
      ({ name, limit, window }) =>
        `"${name}";q=${limit}${window % 1_000 === 0 ? `;w=${window / 1_000}` : ''}`,
    )
    .join(', ')
}

/**
 * The `RateLimit` field: `"burst";r=50;t=30`. `t` is when more is there: on a denial, when the request fits, and only
 * for the quotas that denied it, since the others do not say when to come back.
 */
export function stateField(names: readonly string[], states: readonly QuotaState[]): string {
  const denied = states.some(({ wait }) => wait > 0)
  let field = ''
  for (const [index, { remaining, renewal, wait }] of states.entries()) {
    const time = denied ? wait : renewal
    const reset = time > 0 && time !== Number.POSITIVE_INFINITY ? `;t=${wholeSeconds(time)}` : ''
    field += `${index === 0 ? '' : ', '}"${names[index]}";r=${remaining}${reset}`
  }
  return field
}

/** Microseconds as seconds that are never too early and never 0. */
export function wholeSeconds(microseconds: number): number {
  return Math.max(1, Math.ceil(microseconds / 1_000_000))
}

/** Puts the quotas of an inner limiter behind those of this one; each field is a list. */
export function joinFields(own: Fields, inner: Fields): Fields {
  if (inner['ratelimit'] === undefined && inner['ratelimit-policy'] === undefined) return own
  const joined = Object.entries(own).map(([name, value]) => {
    return [name, inner[name] === undefined ? value : `${String(value)}, ${String(inner[name])}`] as const
  })
  return Object.fromEntries(joined)
}
