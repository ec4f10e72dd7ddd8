import { type Fields, linesOf } from '../fields.js'

/** Why a request went to the handler (RFC 9211 2.2). */
export type Forward = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'request' | 'stale'

/** What a `Cache-Status` member says of a request that went to the handler. */
export interface Forwarded {
  readonly fwd: Forward
  /** Left out where it is not known when the fields go out. */
  readonly stored?: boolean
  /** Why it was not stored, or not looked up. A token. */
  readonly detail?: string
}

/** Writes the members of one cache in the `Cache-Status` field (RFC 9211). */
export interface CacheStatus {
  /** @param ttl how long the answer is still fresh, in milliseconds. */
  hit(headers: Fields, ttl: number): string
  forwarded(headers: Fields, forwarded: Forwarded): string
}

/**
 * Makes the writer for a cache called `name`. A member stands after those that are there: the first is the nearest
 * to the origin.
 */
export function cacheStatus(name: string): CacheStatus {
  const member = isToken(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`
  return {
    hit: (headers, ttl) => after(headers, `${member}; hit; ttl=${Math.floor(ttl / 1000)}`),
    forwarded(headers, { fwd, stored, detail }) {
      const outcome = stored === undefined ? '' : stored ? '; stored' : '; stored=?0'
      return after(
        headers,
        `${member}; fwd=${fwd}${outcome}${detail === undefined ? '' : `; detail=${detail}`}`,
      )
    },
  }
}

function after(headers: Fields, member: string): string {
  const before = headers['cache-status']
  return before === undefined ? member : [...linesOf(headers, 'cache-status'), member].join(', ')
}

/** A token of RFC 9651 3.3.4; any other name is written as a string. */
function isToken(name: string): boolean {
  return /^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/.test(name)
}
