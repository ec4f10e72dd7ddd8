import type { Clock } from '../clock.js'
import type { SlotRequest, SlotStore } from '../rate-limit/store.js'

/** What every store must do with slots, written for reading: a list of who holds what, and until when. */
export function modelSlots(clock: Clock): SlotStore {
  let held: { readonly id: string; readonly name: string; ends: number }[] = []
  let ids = 0
  const dropLapsed = (): void => {
    held = held.filter(({ ends }) => ends > clock.now())
  }

  return {
    acquire(requests, lease) {
      dropLapsed()
      const free = requests.map((request) => {
        const used = held.filter(({ name }) => name === nameOf(request)).length
        return Math.max(0, request.limit - used)
      })
      if (free.includes(0)) return { outcome: 'full', free }
      const id = `slots-${(ids += 1)}`
      held.push(...requests.map((request) => ({ id, name: nameOf(request), ends: clock.now() + lease })))
      return { outcome: 'acquired', free: free.map((left) => left - 1), hold: { id, slots: requests } }
    },
    renew({ id, slots }, lease) {
      dropLapsed()
      const own = held.filter((one) => one.id === id)
      for (const one of own) one.ends = clock.now() + lease
      return own.length === slots.length
    },
    release({ id }) {
      held = held.filter((one) => one.id !== id)
    },
  }
}

function nameOf({ quota, key }: SlotRequest): string {
  return JSON.stringify([quota, key])
}
