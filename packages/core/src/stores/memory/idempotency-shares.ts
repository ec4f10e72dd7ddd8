/** What one caller keeps in a store: how much, and its items in the order they were last touched. */
export interface Share<T> {
  readonly name: string
  entries: number
  bytes: number
  oldest: T | undefined
  newest: T | undefined
}

/** Something in a share. The table sets its neighbours. */
export interface Shared<T> {
  readonly share: string
  readonly bytes: number
  older: T | undefined
  newer: T | undefined
}

/** How much every caller keeps. Each step takes constant time. */
export interface ShareTable<T> {
  add(item: T): void
  remove(item: T): void
  /** Makes the item the newest of its share. */
  touch(item: T): void
  /** Counts bytes that an item takes from now on. The caller adds them to the item. */
  grow(item: T, bytes: number): void
  /** Whether the share takes so much more. */
  hasRoom(share: string, entries: number, bytes: number): boolean
  /** The item that was touched longest ago. */
  oldest(share: string): T | undefined
}

/** Makes a table of shares. A share without an item takes no memory. */
export function shareTable<T extends Shared<T>>(maxEntries: number, maxBytes: number): ShareTable<T> {
  const shares = new Map<string, Share<T>>()

  const shareOf = (name: string): Share<T> => {
    let share = shares.get(name)
    if (share === undefined) {
      share = { name, entries: 0, bytes: 0, oldest: undefined, newest: undefined }
      shares.set(name, share)
    }
    return share
  }

  return {
    add(item) {
      const share = shareOf(item.share)
      share.entries += 1
      share.bytes += item.bytes
      append(share, item)
    },
    remove(item) {
      const share = shareOf(item.share)
      share.entries -= 1
      share.bytes -= item.bytes
      detach(share, item)
      if (share.entries === 0) shares.delete(item.share)
    },
    touch(item) {
      const share = shareOf(item.share)
      if (share.newest === item) return
      detach(share, item)
      append(share, item)
    },
    grow(item, bytes) {
      shareOf(item.share).bytes += bytes
    },
    hasRoom(name, entries, bytes) {
      const share = shares.get(name)
      return (share?.entries ?? 0) + entries <= maxEntries && (share?.bytes ?? 0) + bytes <= maxBytes
    },
    oldest: (name) => shares.get(name)?.oldest,
  }
}

function append<T extends Shared<T>>(share: Share<T>, item: T): void {
  item.older = share.newest
  item.newer = undefined
  if (share.newest === undefined) share.oldest = item
  else share.newest.newer = item
  share.newest = item
}

function detach<T extends Shared<T>>(share: Share<T>, { older, newer }: T): void {
  if (older === undefined) share.oldest = newer
  else older.newer = newer
  if (newer === undefined) share.newest = older
  else newer.older = older
}
