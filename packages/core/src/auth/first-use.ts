import type { Clock } from '../clock.js'
import { LATE, withDeadline } from '../deadline.js'
import { isPromise } from './api-key-cache.js'
import type { ReplayStore } from './replay-store.js'
import { type Rejected, type Undecided, undecided } from './scheme.js'
import { rejectedSignature } from './signature-verdict.js'

/** Tells the first use of a signature from the others. Undefined: it is the first. */
export type FirstUse = (
  id: string,
  source: string,
  milliseconds: number,
) => Promise<Rejected | Undecided | undefined>

/** @param store without one every use is as good as the first. */
export function firstUse(store: ReplayStore | undefined, clock: Clock, deadline: number): FirstUse {
  return async (id, source, milliseconds) => {
    if (store === undefined) return undefined
    const remembered = await inTime(clock, deadline, () =>
      store.remember(id, source, Math.max(1, milliseconds)),
    )
    switch (remembered) {
      case 'fresh':
        return undefined
      case 'seen':
        return rejectedSignature('replayed', { genuine: true })
      case 'full':
      case LATE:
        return undecided()
      default:
        throw new TypeError('the replay store gave no answer')
    }
  }
}

/** What `ask` gives; {@link LATE} where it takes longer than `limit`. */
export function inTime<T>(
  clock: Clock,
  limit: number,
  ask: () => T | PromiseLike<T>,
): T | Promise<T | typeof LATE> {
  const answer = ask()
  return isPromise(answer) ? withDeadline(clock, limit, () => answer) : answer
}
