import type { AuthEvent } from './auth/events.js'
import type { CacheEvent } from './cache/events.js'
import type { ConcurrencyEvent } from './concurrency/events.js'
import type { AnswerEvent } from './http/events.js'
import type { IdempotencyEvent } from './idempotency/events.js'
import type { LoadShedEvent } from './load-shedding/events.js'
import type { RateLimitEvent } from './rate-limit/events.js'

/** What a policy decided. Holds codes, names and numbers; never a token, key, cookie or body. */
export type GateEvent =
  AuthEvent | RateLimitEvent | ConcurrencyEvent | LoadShedEvent | IdempotencyEvent | CacheEvent | AnswerEvent

/** An event with the operation it happened in, as observers get it. */
export type ReportedEvent = GateEvent & {
  /** The operation's protocol: `http`, `rest`, `graphql`. */
  readonly protocol: string
  /** The operation's name: `GET /items/:id`. */
  readonly operation: string
  /** The request's id, where the gate gives one. */
  readonly requestId?: string
}
