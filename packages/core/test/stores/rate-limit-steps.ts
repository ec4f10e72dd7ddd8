import type {
  RateLimitCharge,
  RateLimitReceipt,
  RateLimitStore,
  SlotHold,
  SlotRequest,
} from '../../src/rate-limit/store.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'

/** One step of a schedule. Receipts and holds are named by their number, counted back from the newest. */
export type Step =
  | { readonly do: 'wait'; readonly milliseconds: number }
  /** So long after, or before, the month begins that is so many after the current one; never back. */
  | { readonly do: 'reach'; readonly months: number; readonly milliseconds: number }
  | {
      readonly do: 'consume'
      readonly charges: readonly RateLimitCharge[]
      readonly reserve: number
      readonly replaces: number | undefined
    }
  | { readonly do: 'settle'; readonly receipt: number; readonly costs: readonly number[] }
  | { readonly do: 'block'; readonly key: string; readonly duration: number }
  | { readonly do: 'acquire'; readonly requests: readonly SlotRequest[]; readonly lease: number }
  | { readonly do: 'renew'; readonly hold: number; readonly lease: number }
  | { readonly do: 'release'; readonly hold: number }

/** Runs a schedule; what the store said at each step, without the ids it made up. */
export async function run(
  store: RateLimitStore,
  clock: ManualClock,
  schedule: readonly Step[],
  rename: (key: string) => string = (key) => key,
): Promise<readonly unknown[]> {
  const receipts: RateLimitReceipt[] = []
  const holds: SlotHold[] = []
  const said: unknown[] = []
  for (const step of schedule) {
    switch (step.do) {
      case 'wait':
        clock.step(clock.now() + step.milliseconds)
        break
      case 'reach': {
        const date = new Date(clock.now())
        const begin = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + step.months)
        clock.step(Math.max(clock.now(), begin + step.milliseconds))
        break
      }
      case 'consume': {
        const renamed = step.charges.map((one) => ({ ...one, key: rename(one.key) }))
        // Settled all the same: nothing happens, or it was not replaced because this was denied. Only over several keys a
        // store need not tell: a first one may have replaced it before another denied.
        const replaces =
          step.reserve === 0 || step.replaces === undefined ? undefined : receipts[step.replaces]
        const decision = await store.consume(
          renamed,
          step.reserve === 0 ? {} : { reserve: step.reserve, ...(replaces && { replaces }) },
        )
        const { receipt, ...rest } = { receipt: undefined, ...decision }
        if (receipt !== undefined) receipts.unshift(receipt)
        else if (replaces !== undefined && new Set(renamed.map(({ key }) => key)).size > 1) {
          receipts.splice(receipts.indexOf(replaces), 1)
        }
        said.push({ ...rest, hasReceipt: receipt !== undefined })
        break
      }
      case 'settle': {
        const receipt = receipts[step.receipt]
        if (receipt !== undefined) await store.settle(receipt, step.costs.slice(0, receipt.charges.length))
        break
      }
      case 'block':
        await store.block(rename(step.key), step.duration)
        break
      case 'acquire': {
        const renamed = step.requests.map((one) => ({ ...one, key: rename(one.key) }))
        const decision = await store.acquire(renamed, step.lease)
        if (decision.outcome === 'acquired') holds.unshift(decision.hold)
        said.push({ outcome: decision.outcome, free: decision.free })
        break
      }
      case 'renew': {
        const hold = holds[step.hold]
        if (hold !== undefined) said.push(await store.renew(hold, step.lease))
        break
      }
      case 'release': {
        const hold = holds[step.hold]
        if (hold !== undefined) await store.release(hold)
        break
      }
    }
  }
  return said
}
