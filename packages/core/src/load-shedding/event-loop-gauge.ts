import type { Clock } from '../clock.js'

/** Says how late the event loop is. */
export interface EventLoopGauge {
  /** In milliseconds. */
  delay(): number
}

/** How often it is measured, in milliseconds. */
const INTERVAL = 50

/** How much of the last reading stays in the next one: a single pause of a collector says little. */
const MEMORY = 0.5

/** Measures by a timer: what it comes too late is how late all else is. It never keeps the process alive. */
export function eventLoopGauge(clock: Clock): EventLoopGauge {
  let delay = 0
  let due = clock.now() + INTERVAL
  const measure = (): void => {
    const now = clock.now()
    delay = delay * MEMORY + Math.max(0, now - due) * (1 - MEMORY)
    due = now + INTERVAL
    clock.after(INTERVAL, measure)
  }
  clock.after(INTERVAL, measure)
  return { delay: () => delay }
}
