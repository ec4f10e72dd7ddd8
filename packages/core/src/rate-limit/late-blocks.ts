import type { BudgetStore } from './store.js'

/** Blocks that a store could not take, to be given to it when it is back. */
export interface LateBlocks {
  /** Whether there are any. */
  readonly isEmpty: boolean
  /** To be called before the store is asked: what is said last of a key counts. */
  ask(key: string): Asked
  /** To be called when the store took it, or will not. */
  end(key: string, asked: Asked): void
  /**
   * Keeps a block for so many milliseconds from now; 0 lifts what the store holds.
   *
   * @returns false where there is no room for it, or something else was said since.
   */
  keep(key: string, duration: number, asked: Asked): boolean
  /** Gives the store what is not over yet, one after the other, up to the first failure. Rejects as the store does. */
  deliver(store: Pick<BudgetStore, 'block'>): Promise<void>
}

/** One call about a key. */
export interface Asked {
  isLatest: boolean
}

interface LateBlock {
  readonly duration: number
  /** When it is over; one that lifts is over when it was delivered. */
  readonly until: number
}

/** How long a store is left in peace that did not take one, in milliseconds. */
const PEACE = 1_000

/** @param elapsed milliseconds that never fall. */
export function lateBlocks(maxEntries: number, elapsed: () => number): LateBlocks {
  const late = new Map<string, LateBlock>()
  const asking = new Map<string, Asked>()
  let isDelivering = false
  let peaceUntil = Number.NEGATIVE_INFINITY

  const forgetOver = (): void => {
    const now = elapsed()
    for (const [key, { until }] of late) if (until <= now) late.delete(key)
  }

  const deliver = async (store: Pick<BudgetStore, 'block'>): Promise<void> => {
    for (const [key, block] of late) {
      const { duration, until } = block
      const left = Math.min(duration, Math.ceil(until - elapsed()))
      // A block that is over must not lift one that somebody else set.
      if (left > 0 || duration === 0) {
        try {
          await store.block(key, Math.max(0, left))
        } catch (error) {
          peaceUntil = elapsed() + PEACE
          if (late.get(key) === block) moveLast(key, block)
          throw error
        }
      }
      // What was said meanwhile stays.
      if (late.get(key) === block) late.delete(key)
    }
  }

  /** One that fails for a reason of its own keeps no others from their turn. */
  const moveLast = (key: string, block: LateBlock): void => {
    late.delete(key)
    late.set(key, block)
  }

  return {
    get isEmpty() {
      return late.size === 0
    },
    ask(key) {
      const earlier = asking.get(key)
      if (earlier !== undefined) earlier.isLatest = false
      const asked = { isLatest: true }
      asking.set(key, asked)
      late.delete(key)
      return asked
    },
    end(key, asked) {
      if (asked.isLatest) asking.delete(key)
    },
    keep(key, duration, asked) {
      if (!asked.isLatest) return false
      if (late.size >= maxEntries) forgetOver()
      if (late.size >= maxEntries) return false
      late.set(key, { duration, until: duration === 0 ? Number.POSITIVE_INFINITY : elapsed() + duration })
      return true
    },
    async deliver(store) {
      if (isDelivering || elapsed() < peaceUntil) return
      isDelivering = true
      try {
        await deliver(store)
      } finally {
        isDelivering = false
      }
    },
  }
}
