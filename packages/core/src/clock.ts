/**
 * The only source of time. Everything that waits or compares times takes a `Clock`, so tests move time by hand.
 */
export interface Clock {
  /** The current time in milliseconds since the Unix epoch. */
  now(): number
  /**
   * Calls `callback` once, `delay` milliseconds from now, and returns a function that cancels it.
   * A pending timer never keeps the process alive.
   */
  after(delay: number, callback: () => void): () => void
}

/** Node caps a timer at 2^31 - 1 ms and would fire a longer one at once. */
const LONGEST_TIMER = 2_147_483_647

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, Math.min(delay, LONGEST_TIMER))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
