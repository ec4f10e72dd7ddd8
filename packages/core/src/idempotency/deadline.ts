import type { Clock } from '../clock.js'

/** Rejects when `work` takes longer than `limit` milliseconds. The work itself goes on: who needs its end keeps it. */
export function within<T>(clock: Clock, limit: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limit, () => reject(new Error(`the store took longer than ${limit} ms`)))
    work.then(resolve, reject).finally(cancel)
  })
}

/** Waits. */
export function pause(clock: Clock, duration: number): Promise<void> {
  return new Promise((resolve) => void clock.after(duration, resolve))
}
