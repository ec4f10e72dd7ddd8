import { milliseconds } from '../duration.js'

/**
 * A clock that is more than 5 minutes off is broken. Whatever refuses a credential until its end does so for as much
 * longer: a verifier may still take it.
 */
export const MOST_TOLERANCE = 300_000

/**
 * Reads how far clocks may differ, in milliseconds.
 *
 * @throws TypeError when it is no duration, or more than 5 minutes.
 */
export function checkTolerance(option: string, value: unknown): number {
  const tolerance = milliseconds(option, value)
  if (tolerance > MOST_TOLERANCE) throw new TypeError(`${option} must be at most 5 minutes`)
  return tolerance
}
