/**
 * How fast a budget fills and how much it holds. It travels with each charge, and the algorithm with it; the most that
 * passes in any window is part of the choice:
 *
 * | algorithm        | at once | most in any window of length W                       |
 * | ---------------- | ------- | ---------------------------------------------------- |
 * | `gcra`           | `burst` | `burst + W / interval`; {@link strictInterval} makes it the limit |
 * | `sliding-window` | `burst` | `burst`                                              |
 * | `fixed-window`   | `burst` | twice the `burst`, around the moment a window begins |
 */
export type Rate = GcraRate | WindowRate | CalendarRate

/**
 * The generic cell rate algorithm keeps one number per budget, the backlog: how long from now until it is full again.
 * A unit adds `interval` to it, time takes it away, and it may never exceed `interval * burst`.
 */
export interface GcraRate {
  readonly algorithm?: 'gcra'
  /** Microseconds in which one unit comes back: an integer of at least 1. */
  readonly interval: number
  /** Units that may be taken at once: an integer of at least 1. */
  readonly burst: number
}

/**
 * Windows count what was taken in stretches of the store's clock. A fixed window is one stretch; it begins anew with
 * multiples of its length since the Unix epoch, so that `1d` is a day in UTC. A sliding window is eleven stretches of a
 * tenth of its length: the current one and the ten before it, so nothing is forgotten before a whole window has passed.
 */
export interface WindowRate {
  readonly algorithm: 'fixed-window' | 'sliding-window'
  /** Microseconds: an integer of at least 1. */
  readonly window: number
  /** Units in a window, all of which may be taken at once: an integer of at least 1. */
  readonly burst: number
}

/**
 * A fixed window of the calendar in UTC: a week begins on Monday, a month on its first day, whatever its length. In any
 * 28 days of a month twice the `burst` passes at the most; a longer stretch around a February touches three months. An
 * hour and a day are windows of one length, which begin at multiples of it.
 */
export interface CalendarRate {
  readonly algorithm: 'fixed-window'
  readonly window: 'week' | 'month'
  /** Units in a window, all of which may be taken at once: an integer of at least 1. */
  readonly burst: number
}

/**
 * The interval by which GCRA never admits more than `limit` in any window, its burst included: a burst and what comes
 * back in a window are the limit together.
 *
 * @param window in microseconds.
 * @param burst less than `limit`.
 */
export function strictInterval(window: number, limit: number, burst: number): number {
  return Math.ceil(window / (limit - burst))
}
