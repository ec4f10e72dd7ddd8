import { MOST_RESERVATIONS } from './store.js'

/** A charge that may be settled. Times are microseconds. */
export interface Reservation {
  readonly id: string
  /** From then on it can't be settled. */
  readonly lapses: number
  /**
   * How far a refund may go: of GCRA, when a budget would be full that began right after the charge; of a window, the
   * stretch the charge was counted in.
   */
  mark: number
  /** The one whose place it takes. */
  readonly replaces?: string | undefined
}

/** Opens a reservation after those that are outstanding. */
export function opened(
  outstanding: readonly Reservation[] | undefined,
  reservation: Reservation,
  now: number,
): Reservation[] {
  const valid = (outstanding ?? []).filter(({ id, lapses }) => lapses > now && id !== reservation.replaces)
  return [...valid.slice(Math.max(0, valid.length + 1 - MOST_RESERVATIONS)), reservation]
}

/** Whether anything can still be settled. */
export function isOutstanding(reservations: readonly Reservation[] | undefined, now: number): boolean {
  return reservations !== undefined && reservations.some(({ lapses }) => lapses > now)
}
