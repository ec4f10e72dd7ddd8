import { StoreUnavailable } from './unavailable.js'

/**
 * What may be said of a store's error: why there was no answer (`deadline`), or the error's code or name. Its text may
 * quote what was sent to the store.
 */
export function reasonOf(error: unknown): string {
  const { code, name, reason } = (error ?? {}) as Record<'code' | 'name' | 'reason', unknown>
  if (isUnavailable(error) && typeof reason === 'string') return reason
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : typeof error
}

/** Whether a store is away, rather than refuses what was asked. */
export function isUnavailable(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'store-unavailable'
}

/** A call without an answer may have had its effect: what it charged is not charged again. */
export function mayHaveApplied(error: unknown): boolean {
  return (error as { mayHaveApplied?: unknown } | null | undefined)?.mayHaveApplied === true
}

/** Whether a call of a guarded store may have reached the server. Every other error was made of an answer. */
export function wasSent(error: unknown): boolean {
  return !(error instanceof StoreUnavailable) || error.mayHaveApplied
}

/** Calls back when it is known that nothing of a failed decision is charged: at once, or when all of it was given back. */
export function whenNotCharged(error: unknown, owe: () => void): void {
  if (!mayHaveApplied(error)) return owe()
  const { givenBack } = error as { givenBack?: unknown }
  if (givenBack instanceof Promise) givenBack.then((isBack) => isBack === true && owe(), ignore)
}

function ignore(): undefined {}
