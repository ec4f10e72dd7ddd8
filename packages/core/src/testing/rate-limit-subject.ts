import type {
  RateLimitCharge,
  RateLimitDecision,
  RateLimitReceipt,
  RateLimitStore,
} from '../rate-limit/store.js'
import type { ManualClock } from './manual-clock.js'

/** What a case of the suite is given: a store, its clock and a key of its own. */
export interface Subject {
  readonly store: RateLimitStore
  readonly clock: ManualClock
  readonly key: string
}

/** Behaviours by name. */
export type Cases = Readonly<Record<string, (subject: Subject) => Promise<void>>>

/** In microseconds. */
export const SECOND = 1_000_000

type GcraTestCharge = Extract<RateLimitCharge, { readonly interval: number }>
type WindowTestCharge = Extract<RateLimitCharge, { readonly window: number }>
type CalendarTestCharge = Extract<RateLimitCharge, { readonly window: string }>

/** Five units at once, one more each second, unless `init` says otherwise. */
export function charge(key: string, init: Partial<GcraTestCharge> = {}): GcraTestCharge {
  return { quota: 'burst', key, interval: SECOND, burst: 5, cost: 1, ...init }
}

/** Ten units in ten seconds. */
export function windowCharge(key: string, init: Partial<WindowTestCharge> = {}): WindowTestCharge {
  const rate = { algorithm: 'sliding-window', window: 10 * SECOND, burst: 10 } as const
  return { quota: 'window', key, ...rate, cost: 1, ...init }
}

/** Ten units in a month. */
export function calendarCharge(key: string, init: Partial<CalendarTestCharge> = {}): CalendarTestCharge {
  const rate = { algorithm: 'fixed-window', window: 'month', burst: 10 } as const
  return { quota: 'calendar', key, ...rate, cost: 1, ...init }
}

export async function look(store: RateLimitStore, one: RateLimitCharge): Promise<RateLimitDecision> {
  return store.consume([{ ...one, cost: 0 }])
}

export async function remaining(store: RateLimitStore, one: RateLimitCharge): Promise<number | undefined> {
  return (await look(store, one)).quotas[0]?.remaining
}

/** Takes until nothing is left; how often that went well. */
export async function drain(store: RateLimitStore, one: RateLimitCharge): Promise<number> {
  for (let taken = 0; taken < 1_000; taken += 1) {
    if ((await store.consume([one])).outcome !== 'admitted') return taken
  }
  throw new Error('the budget never ends')
}

/** Takes what can be settled for a minute, or for `reserve` milliseconds. */
export async function reserve(
  store: RateLimitStore,
  charges: readonly RateLimitCharge[],
  lasting = 60_000,
): Promise<RateLimitReceipt> {
  const decision = await store.consume(charges, { reserve: lasting })
  if (decision.outcome !== 'admitted') throw new Error(`${decision.outcome}, not admitted`)
  if (decision.receipt === undefined) throw new Error('there is no receipt')
  return decision.receipt
}
