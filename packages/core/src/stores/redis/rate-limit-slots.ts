import { randomId } from '../../id.js'
import type { SlotRequest, SlotStore } from '../../rate-limit/store.js'
import { wasSent } from '../store-failure.js'
import type { SlotScripts } from './rate-limit-slots.lua.js'
import type { RunScript, TimedCalls, TimedRedis } from './script-time.js'

/**
 * Makes the slots. All requests of one key are one script; of several keys, one script after another, and one deadline
 * for all.
 */
export function redisSlots(
  redis: TimedRedis,
  scripts: SlotScripts,
  keyFor: (slot: SlotRequest) => string,
): SlotStore {
  const alone: TimedCalls = { run: redis.run, waitFor: async (work) => void (await work) }

  return {
    acquire(requests, lease) {
      const groups = groupsOf(requests)
      const acquire = (calls: TimedCalls) => acquireInOrder(calls, requests, groups, lease)
      return groups.length === 1 ? acquire(alone) : redis.together(acquire)
    },
    async renew({ id, slots }, lease) {
      const replies = groupsOf(slots).map((group) =>
        redis.run(scripts.renew, group.map(keyFor), [id, microseconds(lease)]),
      )
      return (await Promise.all(replies)).every((reply) => Number(reply) === 1)
    },
    async release({ id, slots }) {
      await Promise.all(groupsOf(slots).map((group) => releaseAt(group, id)))
    },
  }

  async function acquireInOrder(
    calls: TimedCalls,
    requests: readonly SlotRequest[],
    groups: readonly SlotGroup[],
    lease: number,
  ): Promise<Awaited<ReturnType<SlotStore['acquire']>>> {
    const id = randomId()
    const free = new Map<SlotRequest, number>()
    const freeSlots = (): readonly number[] => requests.map((request) => free.get(request) ?? 0)
    for (const [index, group] of groups.entries()) {
      let isHeld: boolean
      try {
        isHeld = await acquireAt(calls.run, group, { id, lease, free })
      } catch (error) {
        // Nobody is going to hold them: they would be gone until their lease is over.
        const isSent = wasSent(error)
        void giveBack(groups.slice(0, isSent ? index + 1 : index), id)
        throw error
      }
      if (isHeld) continue
      // They are full, also when the store goes away now: what was taken ends with its lease then.
      await calls.waitFor(giveBack(groups.slice(0, index), id))
      const others = groups.filter((one) => one !== group)
      await Promise.allSettled(others.map((one) => acquireAt(calls.run, one, { id: '', lease, free })))
      return { outcome: 'full', free: freeSlots() }
    }
    return { outcome: 'acquired', free: freeSlots(), hold: { id, slots: requests } }
  }

  /** @returns whether the slots are held. How many are left goes into `free`. */
  async function acquireAt(
    run: RunScript,
    group: SlotGroup,
    { id, lease, free }: Acquiring,
  ): Promise<boolean> {
    const args = [id, microseconds(lease), ...group.map(({ limit }) => limit)]
    const [isHeld, ...left] = (await run(scripts.acquire, group.map(keyFor), args)) as unknown[]
    for (const [index, request] of group.entries()) free.set(request, Number(left[index]))
    return Number(isHeld) === 1
  }

  async function releaseAt(group: SlotGroup, id: string): Promise<void> {
    await redis.run(scripts.release, group.map(keyFor), [id])
  }

  /** Never rejects. */
  async function giveBack(groups: readonly SlotGroup[], id: string): Promise<void> {
    await Promise.allSettled(groups.map((group) => releaseAt(group, id)))
  }
}

/** Requests of one key. */
type SlotGroup = readonly SlotRequest[]

interface Acquiring {
  /** The hold's id, or empty to look. */
  readonly id: string
  readonly lease: number
  readonly free: Map<SlotRequest, number>
}

function groupsOf(requests: readonly SlotRequest[]): readonly SlotGroup[] {
  const groups = new Map<string, SlotRequest[]>()
  for (const request of requests) {
    const group = groups.get(request.key)
    if (group === undefined) groups.set(request.key, [request])
    else group.push(request)
  }
  return [...groups.values()]
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1_000)
}
