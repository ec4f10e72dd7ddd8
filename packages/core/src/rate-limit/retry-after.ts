import { randomInt } from 'node:crypto'
import { wholeSeconds } from './fields.js'

/**
 * `Retry-After`: seconds, never too early.
 *
 * @param wait in microseconds.
 * @param spread how much later it may be at the most, in milliseconds.
 */
export function retryAfter(wait: number, spread: number): string {
  const later = spread === 0 ? 0 : randomInt(spread + 1) * 1_000
  return String(wholeSeconds(wait + later))
}
