/** Which keys are blocked. Times are microseconds. */
export interface Blocks {
  readonly size: number
  /** Blocks a key for so long from `now`, whatever was said before; 0 lifts it. */
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

/** Makes a set of blocked keys. When it is full, the one of a few that ends first has to go. */
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
    let first: readonly [string, Block] | undefined
    // An iterator that stands still keeps every table that the Map outgrew since.
    if (held.size === 0) hand = held.entries()
    for (let step = 0; step < STEPS && held.size > 0; step += 1) {
      const next = nextBlock()
      if (next[1].until <= now) held.delete(next[0])
      else if (first === undefined || next[1].until < first[1].until) first = next
    }
    if (held.size >= maxEntries && first !== undefined) held.delete(first[0])
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
