import { randomId } from '../../id.js'
import type { SlotRequest, SlotStore } from '../../rate-limit/store.js'
import type { SlotScripts } from './rate-limit-slots.lua.js'
import type { RunScript } from './script-time.js'

/** Makes the slots. All requests of one key are one script; of several keys, one script after another. */
export function redisSlots(
  run: RunScript,
  scripts: SlotScripts,
  keyFor: (slot: SlotRequest) => string,
): SlotStore {
  return {
    async acquire(requests, lease) {
      const id = randomId()
      const groups = groupsOf(requests)
      const free = new Map<SlotRequest, number>()
      for (const [index, group] of groups.entries()) {
        if (await acquireAt(group, id, lease, free)) continue
        const taken = groups.slice(0, index)
        // They are full, also when the store goes away now: what was taken ends with its lease then.
        await Promise.allSettled(taken.map((one) => releaseAt(one, id)))
        const others = groups.filter((one) => one !== group)
        await Promise.allSettled(others.map((one) => acquireAt(one, '', lease, free)))
        return { outcome: 'full', free: requests.map((request) => free.get(request) ?? 0) }
      }
      const left = requests.map((request) => free.get(request) ?? 0)
      return { outcome: 'acquired', free: left, hold: { id, slots: requests } }
    },
    async renew({ id, slots }, lease) {
      const replies = groupsOf(slots).map((group) =>
        run(scripts.renew, group.map(keyFor), [id, microseconds(lease)]),
      )
      return (await Promise.all(replies)).every((reply) => Number(reply) === 1)
    },
    async release({ id, slots }) {
      await Promise.all(groupsOf(slots).map((group) => releaseAt(group, id)))
    },
  }

  /** @returns whether the slots are held. How many are left goes into `free`. */
  async function acquireAt(
    group: readonly SlotRequest[],
    id: string,
    lease: number,
    free: Map<SlotRequest, number>,
  ): Promise<boolean> {
    const args = [id, microseconds(lease), ...group.map(({ limit }) => limit)]
    const [isHeld, ...left] = (await run(scripts.acquire, group.map(keyFor), args)) as unknown[]
    for (const [index, request] of group.entries()) free.set(request, Number(left[index]))
    return Number(isHeld) === 1
  }

  async function releaseAt(group: readonly SlotRequest[], id: string): Promise<void> {
    await run(scripts.release, group.map(keyFor), [id])
  }
}

function groupsOf(requests: readonly SlotRequest[]): readonly (readonly SlotRequest[])[] {
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
