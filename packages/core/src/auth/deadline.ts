import type { Clock } from '../clock.js'

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
