import type { Clock } from '../clock.js'
import type { Exchange } from '../exchange.js'
import { reasonOf } from '../stores/store-failure.js'
import type { SlotHold, SlotStore } from '../rate-limit/store.js'

/** Slots that are kept alive. */
export interface Held {
  /** Gives them back. Nobody waits for it; a slot that can't be given back gets free when its lease is over. */
  readonly release: () => void
}

/** Makes the keeper of slots: every third of the lease it says that a request still runs. */
export function holding(clock: Clock, lease: number) {
  return (exchange: Exchange, store: SlotStore, hold: SlotHold): Held => {
    let isHeld = true
    let cancel = clock.after(lease / 3, renew)

    const failed = (call: 'renew' | 'release') => (error: unknown) => {
      exchange.report({ type: 'concurrency.store-failed', call, reason: reasonOf(error) })
    }

    function renew(): void {
      alive(store, hold, lease)
        .then((isAlive) => {
          if (isAlive || !isHeld) return
          isHeld = false
          exchange.report({ type: 'concurrency.slot-lost' })
        }, failed('renew'))
        .finally(() => {
          if (isHeld) cancel = clock.after(lease / 3, renew)
        })
    }

    return {
      release() {
        if (!isHeld) return
        isHeld = false
        cancel()
        giveBack(store, hold).catch(failed('release'))
      },
    }
  }
}

async function alive(store: SlotStore, hold: SlotHold, lease: number): Promise<boolean> {
  return store.renew(hold, lease)
}

async function giveBack(store: SlotStore, hold: SlotHold): Promise<void> {
  await store.release(hold)
}
