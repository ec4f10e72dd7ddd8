/**
 * How fast a budget fills and how much it holds.
 *
 * The generic cell rate algorithm keeps one number per budget, the backlog: how long from now until it is full again.
 * A unit adds `interval` to it, time takes it away, and it may never exceed `interval * burst`. So what is admitted
 * between two moments is at most `burst + elapsed / interval`.
 */
export interface Rate {
  /** Microseconds in which one unit comes back: an integer of at least 1. */
  readonly interval: number
  /** Units that may be taken at once: an integer of at least 1. */
  readonly burst: number
}
