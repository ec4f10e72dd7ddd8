import type { IdempotencyStore } from '../idempotency/store.js'
import { randomId } from '../id.js'
import {
  type IdempotencyShareBounds,
  SHARE_CASES,
  shareSubject,
  SMALL_SHARES,
} from './idempotency-share-cases.js'
import { STATE_CASES } from './idempotency-state-cases.js'
import { ManualClock } from './manual-clock.js'

/** One behaviour that every store must have. */
export interface IdempotencyStoreCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/**
 * Makes the store under test, empty or with a key space of its own, with its time taken from `clock`. With `bounds`, each
 * caller's share is as small as they say; the store as a whole has room for several.
 */
export type IdempotencyStoreFactory = (
  clock: ManualClock,
  bounds: IdempotencyShareBounds | undefined,
) => IdempotencyStore | Promise<IdempotencyStore>

/** What every idempotency store must do, as cases for any test runner. Each case makes a store and cells of its own. */
export function idempotencyStoreSuite(create: IdempotencyStoreFactory): readonly IdempotencyStoreCase[] {
  const states = Object.entries(STATE_CASES).map(([name, check]) => ({
    name,
    async run() {
      const clock = new ManualClock()
      await check({ store: await create(clock, undefined), clock, cell: `cell-${randomId()}` })
    },
  }))
  const shares = Object.entries(SHARE_CASES).map(([name, check]) => ({
    name,
    async run() {
      const clock = new ManualClock()
      await check(shareSubject(await create(clock, SMALL_SHARES), clock))
    },
  }))
  return [...states, ...shares]
}
