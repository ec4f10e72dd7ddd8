/** What a time must be that must not be one in seconds, in words. */
export const EPOCH_TIME = 'milliseconds since the Unix epoch, not seconds, or undefined'

/**
 * Whether a value is no time, or one in milliseconds since the Unix epoch. A time from 2001 to 5138 in seconds is none: it
 * would be one of the years 1970 to 1973, and what is not good before would be good at once.
 */
export function isMaybeEpochTime(value: unknown): boolean {
  if (value === undefined) return true
  return typeof value === 'number' && Number.isFinite(value) && !(value >= 1e9 && value < 1e11)
}
