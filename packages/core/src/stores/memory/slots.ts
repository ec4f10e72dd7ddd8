import type { Clock } from '../../clock.js'
import { type NewId, randomId } from '../../id.js'
import type { SlotDecision, SlotHold, SlotRequest, SlotStore } from '../../rate-limit/store.js'
import { elapsedTime } from './elapsed-time.js'

/** Slots in the memory of this process. */
export interface MemorySlots extends SlotStore {
  /** For how many quotas and keys slots are held. */
  readonly size: number
  acquire(requests: readonly SlotRequest[], lease: number): SlotDecision
  renew(hold: SlotHold, lease: number): boolean
  release(hold: SlotHold): void
}

/** When each hold ends, by its id. */
type Holders = Map<string, number>

/** How many budgets of slots one call may look at for what has lapsed. */
const STEPS = 2

/** Makes slots in memory. When it is full, who has no slot yet finds none. */
export function memorySlots(clock: Clock, maxEntries: number, newId: NewId = randomId): MemorySlots {
  const elapsed = elapsedTime(clock)
  const held = new Map<string, Holders>()
  let hand = held.entries()

  return {
    get size() {
      return held.size
    },
    acquire(requests, lease) {
      const now = elapsed()
      sweep(now)
      const names = requests.map(nameOf)
      const free = requests.map(({ limit }, index) => Math.max(0, limit - inUse(names[index] ?? '', now)))
      const newcomers = names.filter((name) => !held.has(name)).length
      const isFull = newcomers > 0 && held.size + newcomers > maxEntries
      if (isFull || free.includes(0)) return { outcome: 'full', free }
      const id = newId()
      for (const name of names) {
        const holders = held.get(name)
        if (holders === undefined) held.set(name, new Map([[id, now + lease]]))
        else holders.set(id, now + lease)
      }
      return { outcome: 'acquired', free: free.map((left) => left - 1), hold: { id, slots: requests } }
    },
    renew({ id, slots }, lease) {
      const now = elapsed()
      let isHeld = true
      for (const slot of slots) {
        const holders = held.get(nameOf(slot))
        if ((holders?.get(id) ?? 0) > now) holders?.set(id, now + lease)
        else isHeld = false
      }
      return isHeld
    },
    release({ id, slots }) {
      for (const slot of slots) {
        const name = nameOf(slot)
        const holders = held.get(name)
        holders?.delete(id)
        if (holders?.size === 0) held.delete(name)
      }
    },
  }

  function inUse(name: string, now: number): number {
    const holders = held.get(name)
    if (holders === undefined) return 0
    for (const [id, ends] of holders) if (ends <= now) holders.delete(id)
    if (holders.size === 0) held.delete(name)
    return holders.size
  }

  function sweep(now: number): void {
    // An iterator that stands still keeps every table that the Map outgrew since: 150 bytes for each slot taken.
    if (held.size === 0) hand = held.entries()
    for (let step = 0; step < STEPS && held.size > 0; step += 1) {
      let next = hand.next()
      if (next.done) {
        hand = held.entries()
        next = hand.next()
      }
      inUse((next.value as readonly [string, Holders])[0], now)
    }
  }
}

function nameOf({ quota, key }: SlotRequest): string {
  return `${quota.length} ${quota} ${key}`
}
