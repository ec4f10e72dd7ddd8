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

/** What `ask` gives, at once where it gives it at once; {@link LATE} where it takes longer than `duration` milliseconds. */
export function inTime<T>(
  clock: Clock,
  duration: number,
  ask: () => T | PromiseLike<T>,
): T | Promise<T | typeof LATE> {
  const answer = ask()
  return isPromise(answer) ? withDeadline(clock, duration, () => answer) : answer
}

/** Whether an answer comes later. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === 'function'
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
