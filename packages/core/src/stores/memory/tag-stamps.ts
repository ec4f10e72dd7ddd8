/** Which tags were invalidated when, in the order of one counter. */
export interface TagStamps {
  /** The counter: a ticket. */
  current(): number
  /** Stamps every tag with the next value. */
  stamp(tags: readonly string[]): void
  /** Whether one of the tags was stamped after `ticket`, or may have been: its stamp was dropped. */
  isOvertaken(tags: readonly string[], ticket: number): boolean
}

/**
 * Makes the stamps of one cache. Of more than `most` the oldest are dropped; a tag without a stamp then counts as
 * stamped with the latest of those.
 */
export function tagStamps(most: number): TagStamps {
  // In the order of their stamps: one that is renewed moves to the end.
  const stamps = new Map<string, number>()
  let counter = 0
  let floor = 0

  return {
    current: () => counter,
    stamp(tags) {
      counter += 1
      for (const tag of tags) {
        stamps.delete(tag)
        stamps.set(tag, counter)
      }
      for (const [tag, stamp] of stamps) {
        if (stamps.size <= most) break
        stamps.delete(tag)
        floor = stamp
      }
    },
    isOvertaken: (tags, ticket) => tags.some((tag) => !((stamps.get(tag) ?? floor) <= ticket)),
  }
}
