import type { Clock } from '../clock.js'

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/** A clock that moves only when a test says so. */
export class ManualClock implements Clock {
  #now: number
  readonly #timers = new Set<Timer>()

  /** @param start milliseconds since the Unix epoch; default 2026-01-01T00:00:00Z. */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(delay: number, callback: () => void): () => void {
    const timer: Timer = { due: this.#now + delay, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size
  }

  /**
   * Moves the time forward and runs the timers that become due, each at its own time, in order. Promises that a
   * timer settles run before the next timer does.
   */
  async advance(duration: number): Promise<void> {
    const end = this.#now + duration
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.due)
      timer.callback()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#now = end
  }

  /** Sets the time without running timers: a wall clock that steps, also backwards. */
  step(to: number): void {
    this.#now = to
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer
    }
    return next
  }
}
