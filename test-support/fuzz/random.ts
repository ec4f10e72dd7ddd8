/** A source of chance that repeats itself for the same seed. */
export interface Chance {
  /** An integer from 0 to `below` - 1. */
  below(below: number): number
  /** True once in `times`. */
  once(times: number): boolean
  pick<T>(choices: readonly T[]): T
  bytes(length: number): Buffer
}

/** mulberry32: small, fast, good enough to disturb bytes. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    once: (times) => below(times) === 0,
    pick: <T>(choices: readonly T[]) => choices.at(below(choices.length)) as T,
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}
