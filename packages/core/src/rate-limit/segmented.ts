/** A bounded memory in which what is asked for again is not pushed out by what is asked for once. */
export interface Segmented<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  readonly size: number
}

/** Half for newcomers, half for those that came back: a flood of new keys evicts newcomers only. */
export function segmented<T>(maxEntries: number): Segmented<T> {
  const newcomers = secondChances<T>(Math.floor(maxEntries / 2))
  const regulars = secondChances<T>(Math.ceil(maxEntries / 2))
  return {
    get size() {
      return newcomers.entries.size + regulars.entries.size
    },
    get(key) {
      const regular = regulars.entries.get(key)
      if (regular !== undefined) {
        regular.isUsed = true
        return regular.value
      }
      const newcomer = newcomers.entries.get(key)
      if (newcomer === undefined) return undefined
      newcomers.entries.delete(key)
      regulars.add(key, newcomer.value)
      return newcomer.value
    },
    set(key, value) {
      const known = regulars.entries.get(key) ?? newcomers.entries.get(key)
      if (known === undefined) newcomers.add(key, value)
      else known.value = value
    },
  }
}

interface Entry<T> {
  value: T
  isUsed: boolean
}

/** What was used since it was looked at last is passed over once. Cheaper than an order of last use: a use writes a flag. */
function secondChances<T>(maxEntries: number) {
  const entries = new Map<string, Entry<T>>()
  // One iterator goes round for ever: the first entry of a Map is found by walking over all deleted ones.
  let hand = entries.entries()
  let added = 0

  const evict = (): void => {
    for (;;) {
      const next = hand.next()
      if (next.done) hand = entries.entries()
      else if (next.value[1].isUsed) next.value[1].isUsed = false
      else return void entries.delete(next.value[0])
    }
  }
  const add = (key: string, value: T): void => {
    if (entries.size >= maxEntries) evict()
    else if ((added += 1) >= maxEntries) {
      // An iterator that stands still keeps every table that the Map outgrew since.
      hand = entries.entries()
      added = 0
    }
    entries.set(key, { value, isUsed: false })
  }
  return { entries, add }
}
