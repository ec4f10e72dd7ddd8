/** How long a stretch of time is: microseconds, or as long as it is in the calendar of UTC. */
export type StretchWidth = number | 'week' | 'month'

const DAY = 86_400_000_000
const WEEK = 7 * DAY

/** Weeks begin on Mondays (ISO 8601), and the Unix epoch was a Thursday. */
const EPOCH_IN_WEEK = 3 * DAY

/** The number of the stretch that a time is in; the one of the Unix epoch is 0. Times are microseconds. */
export function stretchAt(width: StretchWidth, time: number): number {
  if (typeof width === 'number') return Math.floor(time / width)
  if (width === 'week') return Math.floor((time + EPOCH_IN_WEEK) / WEEK)
  const date = new Date(Math.floor(time / 1_000))
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}

/** When a stretch begins. */
export function startOf(width: StretchWidth, stretch: number): number {
  if (typeof width === 'number') return stretch * width
  return width === 'week' ? stretch * WEEK - EPOCH_IN_WEEK : Date.UTC(1970, stretch) * 1_000
}

/** How long such a stretch is at the most. */
export function longestOf(width: StretchWidth): number {
  if (typeof width === 'number') return width
  return width === 'week' ? WEEK : 31 * DAY
}
