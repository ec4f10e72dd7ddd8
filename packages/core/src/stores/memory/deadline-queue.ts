/** Something that ends. */
export interface Deadline {
  /** How long it was to last, when it was added. */
  readonly span: number
  /** When it ends, on the owner's clock. */
  readonly expires: number
}

/** Finds what has ended, each step in constant time. */
export interface DeadlineQueue<T extends Deadline> {
  add(item: T): void
  /** Takes an item out. Its `span` must still be the one it was added with. */
  remove(item: T): void
  /** One item that has ended, if any. It stays until it is removed. */
  due(now: number): T | undefined
  /** When the first item ends; infinite when there is none. */
  next(): number
}

/**
 * Makes a queue of deadlines: one list for each span. Items of one span end in the order they were added, so only the
 * heads are looked at, and there are as many spans as there are settings.
 *
 * The lists are linked by hand: the first entry of a JavaScript Set or Map is found by walking over the deleted ones.
 */
export function deadlineQueue<T extends Deadline>(): DeadlineQueue<T> {
  const lists = new Map<number, Node<T>>()
  const nodes = new Map<T, Node<T>>()

  return {
    add(item) {
      const node = newNode(item)
      nodes.set(item, node)
      const head = lists.get(item.span)
      if (head === undefined) lists.set(item.span, node)
      else insertBefore(head, node)
    },
    remove(item) {
      const node = nodes.get(item)
      if (node === undefined) return
      nodes.delete(item)
      if (lists.get(item.span) === node) {
        if (node.next === node) lists.delete(item.span)
        else lists.set(item.span, node.next)
      }
      node.before.next = node.next
      node.next.before = node.before
    },
    due(now) {
      for (const { item } of lists.values()) if (item.expires <= now) return item
      return undefined
    },
    next() {
      let first = Number.POSITIVE_INFINITY
      for (const { item } of lists.values()) first = Math.min(first, item.expires)
      return first
    },
  }
}

/** A place in a ring; the head's `before` is the last. */
interface Node<T> {
  readonly item: T
  next: Node<T>
  before: Node<T>
}

function newNode<T>(item: T): Node<T> {
  const node = { item } as Node<T>
  node.next = node
  node.before = node
  return node
}

function insertBefore<T>(head: Node<T>, node: Node<T>): void {
  node.before = head.before
  node.next = head
  head.before.next = node
  head.before = node
}
