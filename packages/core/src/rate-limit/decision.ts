import { gcraState, gcraWait } from './gcra.js'
import type { QuotaState, RateLimitCharge, RateLimitDecision } from './store.js'
import { type WindowCounts, windowState, windowWait } from './window.js'

/** What was taken from a budget: the backlog of GCRA, or the counts of a window, brought to now. */
export type Level = number | WindowCounts

/**
 * Decides about the charges of one request: all of them, or none.
 *
 * @param levels the level of each charge's budget. A backlog is in microseconds, at most `interval * burst`.
 * @param blocked how long each charge's key is still blocked, in microseconds; undefined when none is.
 */
export function decide(
  charges: readonly RateLimitCharge[],
  levels: readonly Level[],
  now = 0,
  blocked?: readonly number[],
): RateLimitDecision {
  const waits = charges.map((charge, index) =>
    Math.max(waitFor(charge, levels[index] ?? 0, now), blocked?.[index] ?? 0),
  )
  const wait = Math.max(0, ...waits)
  const quotas = charges.map((charge, index) => {
    const state = stateOf(charge, levels[index] ?? 0, now, wait === 0, waits[index] ?? 0)
    return blocked === undefined ? state : blockedState(state, blocked[index] ?? 0)
  })
  if (wait === 0) return { outcome: 'admitted', quotas }
  if (wait === Number.POSITIVE_INFINITY) return { outcome: 'impossible', quotas }
  const isBlocked = blocked?.some((left) => left > 0) === true
  return isBlocked ? { outcome: 'denied', quotas, wait, isBlocked } : { outcome: 'denied', quotas, wait }
}

function waitFor(charge: RateLimitCharge, level: Level, now: number): number {
  if (isWindow(charge)) return windowWait(charge, level as WindowCounts, now)
  return gcraWait(charge, level as number)
}

function stateOf(
  charge: RateLimitCharge,
  level: Level,
  now: number,
  isTaken: boolean,
  wait: number,
): QuotaState {
  const taken = isTaken ? charge.cost : 0
  if (isWindow(charge)) return windowState(charge, level as WindowCounts, now, taken, wait)
  return gcraState(charge, (level as number) + charge.interval * taken, wait)
}

function blockedState(state: QuotaState, blocked: number): QuotaState {
  if (blocked === 0) return state
  return { ...state, remaining: 0, renewal: Math.max(state.renewal, blocked) }
}

/** Whether a charge is counted in windows. */
export function isWindow<T extends RateLimitCharge>(
  charge: T,
): charge is Extract<T, { readonly algorithm: 'fixed-window' | 'sliding-window' }> {
  return charge.algorithm !== undefined && charge.algorithm !== 'gcra'
}
