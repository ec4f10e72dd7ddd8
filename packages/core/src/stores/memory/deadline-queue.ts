/** Something that ends. */
export interface Deadline {
  /** How long it was to last, when it was added. Items of few spans are found fast. */
  readonly span: number
  /** When it ends, on the owner's clock. */
  readonly expires: number
}

/** Finds what has ended, each step in constant time. */
export interface DeadlineQueue<T extends Deadline> {
  add(item: T): void
  remove(item: T): void
  /** One item that has ended, if any. It stays until it is removed. */
  due(now: number): T | undefined
  /** When the first item ends; infinite when there is none. */
  next(): number
}

/**
 * Makes a queue of deadlines: one list for each span. Items of one span end in the order they were added, so only the
 * heads are looked at, and there are as many spans as there are settings. After a clock stepped back a span begins
 * another list: behind an item of a time that is still to come, nothing would be found to have ended.
 *
 * The lists are linked by hand: the first entry of a JavaScript Set or Map is found by walking over the deleted ones.
 */
export function deadlineQueue<T extends Deadline>(): DeadlineQueue<T> {
  const lists = new Set<List<T>>()
  const latest = new Map<number, List<T>>()
  const nodes = new Map<T, Node<T>>()

  return {
    add(item) {
      const list = latest.get(item.span)
      if (list !== undefined && list.head.before.item.expires <= item.expires) {
        nodes.set(item, append(list, item))
        return
      }
      const begun = newList(item)
      nodes.set(item, begun.head)
      lists.add(begun)
      latest.set(item.span, begun)
    },
    remove(item) {
      const node = nodes.get(item)
      if (node === undefined) return
      nodes.delete(item)
      const { list } = node
      if (list.head === node) {
        if (node.next === node) {
          lists.delete(list)
          if (latest.get(list.span) === list) latest.delete(list.span)
        } else list.head = node.next
      }
      node.before.next = node.next
      node.next.before = node.before
    },
    due(now) {
      for (const { head } of lists) if (head.item.expires <= now) return head.item
      return undefined
    },
    next() {
      let first = Number.POSITIVE_INFINITY
      for (const { head } of lists) first = Math.min(first, head.item.expires)
      return first
    },
  }
}

/** Items of one span, none of which ends before the one ahead of it. */
interface List<T> {
  readonly span: number
  head: Node<T>
}

/** A place in a ring; the head's `before` is the last. */
interface Node<T> {
  readonly item: T
  readonly list: List<T>
  next: Node<T>
  before: Node<T>
}

function newList<T extends Deadline>(item: T): List<T> {
  const list = { span: item.span } as List<T>
  list.head = newNode(list, item)
  return list
}

function newNode<T>(list: List<T>, item: T): Node<T> {
  const node = { item, list } as Node<T>
  node.next = node
  node.before = node
  return node
}

function append<T>(list: List<T>, item: T): Node<T> {
  const node = newNode(list, item)
  const { head } = list
  node.before = head.before
  node.next = head
  head.before.next = node
  head.before = node
  return node
}
