import type { Clock } from './clock.js'

/** What a call gives that did not end in time. */
export const LATE = Symbol('late')

/**
 * Waits for `work`, but not longer than `duration` milliseconds.
 *
 * @param work gets a signal that is aborted at the deadline. What it gives or throws after that is dropped.
 */
export async function withDeadline<T>(
  clock: Clock,
  duration: number,
  work: (signal: AbortSignal) => PromiseLike<T>,
): Promise<T | typeof LATE> {
  const controller = new AbortController()
  let cancel: (() => void) | undefined
  const late = new Promise<typeof LATE>((resolve) => {
    cancel = clock.after(duration, () => {
      resolve(LATE)
      controller.abort()
    })
  })
  try {
    return await Promise.race([work(controller.signal), late])
  } finally {
    cancel?.()
  }
}

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
