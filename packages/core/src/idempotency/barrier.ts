import { within } from '../deadline.js'
import type { ExecutionSetting, Won } from './execution-setting.js'

/**
 * How far an execution may have come:
 *
 * - `implied`: the barrier was passed with the claim; an effect may have happened unless a policy behind refused.
 * - `ahead`: not passed, so there was no effect.
 * - `passed`: the handler said so; from here on an effect may have happened.
 * - `lost`: another owner has the cell, or it is gone; `unavailable`: the store did not answer. No effect.
 */
export type BarrierState = 'implied' | 'ahead' | 'passed' | 'lost' | 'unavailable'

/** The line between looking and acting, for one execution. */
export interface Barrier {
  /** How far it came, asked when the handler has ended. */
  outcome(): Promise<BarrierState>
  /** Passes it, once. Rejects when the effect must not happen. */
  begin(): Promise<void>
}

/** The barrier that was passed with the claim. */
export const IMPLIED: Barrier = { outcome: () => Promise.resolve('implied'), begin: () => Promise.resolve() }

/** A barrier that the handler passes itself. */
export function deferredBarrier(setting: ExecutionSetting, { cell, fence }: Won): Barrier {
  const { store, clock, lease, storeTimeout } = setting
  let state: BarrierState = 'unavailable'
  let begun: Promise<void> | undefined

  const begin = async (): Promise<void> => {
    const held = await within(clock, storeTimeout, store.begin(cell, fence, lease))
    state = held ? 'passed' : 'lost'
    if (!held) throw new Error('idempotency: the claim was lost before the effect; nothing may be done')
  }

  return {
    async outcome() {
      if (begun === undefined) return 'ahead'
      // A handler may have forgotten to wait for it.
      await begun.catch(() => undefined)
      return state
    },
    begin() {
      if (begun === undefined) {
        begun = begin()
        begun.catch(() => undefined)
      }
      return begun
    },
  }
}
