import { type Fields, linesOf } from '../fields.js'
import { type Directives, MOST_SECONDS, secondsOf } from './cache-control.js'
import { parseHttpDate } from './http-date.js'
import { listMembers } from './list.js'

/** When a request left for the handler and when the head of its answer came, in milliseconds. */
export interface Timing {
  readonly requestTime: number
  readonly responseTime: number
}

/**
 * How long an answer is fresh by its own fields, in milliseconds (RFC 9111 4.2.1): `s-maxage`, else `max-age`, else
 * `Expires` less `Date`. Undefined when it says nothing; there is no heuristic.
 */
export function lifetimeOf(headers: Fields, control: Directives, now: number): number | undefined {
  const seconds = secondsOf(control, 's-maxage') ?? secondsOf(control, 'max-age')
  if (seconds !== undefined) return seconds * 1000
  const expires = linesOf(headers, 'expires')
  if (expires.length === 0) return undefined
  // Two dates that differ, and anything that is no date, mean "already expired" (RFC 9111 5.3).
  const [time, ...others] = expires.map((line) => parseHttpDate(line, now))
  if (time === undefined || others.some((other) => other !== time)) return 0
  return Math.max(0, time - (dateOf(headers, now) ?? now))
}

/** How old an answer already is when it arrives, in milliseconds (RFC 9111 4.2.3). Never negative. */
export function initialAgeOf(headers: Fields, { requestTime, responseTime }: Timing): number {
  const date = dateOf(headers, responseTime) ?? responseTime
  const apparent = Math.max(0, responseTime - date)
  const delay = Math.max(0, responseTime - requestTime)
  return Math.max(apparent, ageValueOf(headers) * 1000 + delay)
}

function dateOf(headers: Fields, now: number): number | undefined {
  const [line] = linesOf(headers, 'date')
  return line === undefined ? undefined : parseHttpDate(line, now)
}

/** The first member of the first line; what is no plain number is no age (RFC 9111 5.1). */
function ageValueOf(headers: Fields): number {
  const [line = ''] = linesOf(headers, 'age')
  const [member = ''] = listMembers(line)
  return /^\d+$/.test(member) ? Math.min(Number(member), MOST_SECONDS) : 0
}
