import type { Clock } from '../clock.js'
import { inTime, LATE } from '../deadline.js'
import type { ReplayStore } from './replay-store.js'
import { type Undecided, undecided } from './scheme.js'

/** Tells the first use of what is good once from the others. Undecided: the store is full, or late. */
export type FirstUse = (
  id: string,
  source: string,
  milliseconds: number,
) => Promise<'fresh' | 'seen' | Undecided>

/** @param store without one every use is as good as the first. */
export function firstUse(store: ReplayStore | undefined, clock: Clock, deadline: number): FirstUse {
  return async (id, source, milliseconds) => {
    if (store === undefined) return 'fresh'
    const remembered = await inTime(clock, deadline, () => store.remember(id, source, milliseconds))
    switch (remembered) {
      case 'fresh':
      case 'seen':
        return remembered
      case 'full':
      case LATE:
        return undecided()
      default:
        throw new TypeError('the replay store gave no answer')
    }
  }
}
