/** Which keys are blocked. Times are microseconds. */
export interface Blocks {
  readonly size: number
  /**
   * Blocks a key for so long from `now`, whatever was said before; 0 lifts it.
   *
   * @throws RangeError when there is no room for a key that is not blocked.
   */
  set(key: string, duration: number, now: number): void
  /** How long a key is still blocked: 0 when it is not. */
  left(key: string, now: number): number
}

interface Block {
  until: number
  readonly duration: number
}

/** How many blocks one call may clear away. */
const STEPS = 8

/**
 * Makes a set of blocked keys. When it is full, a further one is an error: to forget one that is not over would let
 * somebody in whom the service shut out.
 */
export function blocks(maxEntries: number): Blocks {
  const held = new Map<string, Block>()
  let hand = held.entries()

  return {
    get size() {
      return held.size
    },
    set(key, duration, now) {
      held.delete(key)
      if (duration === 0) return
      makeRoom(now)
      held.set(key, { until: now + duration, duration })
    },
    left(key, now) {
      const block = held.get(key)
      if (block === undefined) return 0
      // After a clock stepped back, a block lasts no longer than it was meant to.
      block.until = Math.min(block.until, now + block.duration)
      if (block.until > now) return block.until - now
      held.delete(key)
      return 0
    },
  }

  function makeRoom(now: number): void {
    // An iterator that stands still keeps every table that the Map outgrew since.
    if (held.size === 0) hand = held.entries()
    for (let step = 0; step < STEPS && held.size > 0; step += 1) {
      const [key, { until }] = nextBlock()
      if (until <= now) held.delete(key)
    }
    if (held.size >= maxEntries) throw new RangeError('memoryRateLimitStore: no room for another block')
  }

  function nextBlock(): readonly [string, Block] {
    let next = hand.next()
    if (next.done) {
      hand = held.entries()
      next = hand.next()
    }
    return next.value as readonly [string, Block]
  }
}
