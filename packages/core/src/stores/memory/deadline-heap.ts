/** Something that ends. */
export interface Ending {
  /** When it ends, on the owner's clock. */
  readonly expires: number
}

/** Finds what ends first, whatever the spans: each step takes the logarithm of how many there are. */
export interface DeadlineHeap<T extends Ending> {
  add(item: T): void
  /** Takes out what ends first, if it has ended. */
  takeDue(now: number): T | undefined
}

/** Makes a heap: no item ends before the one above it, which is at half its place. */
export function deadlineHeap<T extends Ending>(): DeadlineHeap<T> {
  const items: T[] = []

  return {
    add(item) {
      items.push(item)
      rise(items.length - 1, item)
    },
    takeDue(now) {
      const first = items[0]
      if (first === undefined || first.expires > now) return undefined
      const last = items.pop()
      if (last !== undefined && last !== first) sink(last)
      return first
    },
  }

  function rise(from: number, item: T): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = items[above]
      if (other === undefined || other.expires <= item.expires) break
      items[place] = other
      place = above
    }
    items[place] = item
  }

  /** From the top. */
  function sink(item: T): void {
    let place = 0
    for (;;) {
      const below = earlier(2 * place + 1, 2 * place + 2)
      const other = items[below]
      if (other === undefined || other.expires >= item.expires) break
      items[place] = other
      place = below
    }
    items[place] = item
  }

  function earlier(left: number, right: number): number {
    const [a, b] = [items[left], items[right]]
    return a !== undefined && b !== undefined && b.expires < a.expires ? right : left
  }
}
