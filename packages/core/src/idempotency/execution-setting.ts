import type { Clock } from '../clock.js'
import type { IdempotencyStore } from './store.js'

/** What an execution needs to know of the policy's settings. Durations are milliseconds. */
export interface ExecutionSetting {
  readonly store: IdempotencyStore
  readonly clock: Clock
  readonly lease: number
  readonly retention: number
  readonly storeTimeout: number
  readonly maxBodyBytes: number
  readonly keep: readonly string[]
}

/** A cell that was won. */
export interface Won {
  readonly cell: string
  readonly owner: string
  readonly fence: number
}
