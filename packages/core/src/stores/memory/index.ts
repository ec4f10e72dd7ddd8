import type { ReplayStore } from '../../auth/replay-store.js'
import type { CacheStore } from '../../cache/store.js'
import { type Clock, systemClock } from '../../clock.js'
import type { IdempotencyStore } from '../../idempotency/store.js'
import { checkKnown } from '../../options.js'
import type { RateLimitStore } from '../../rate-limit/store.js'
import { memoryCacheStore } from './cache.js'
import { memoryIdempotencyStore } from './idempotency.js'
import { memoryRateLimitStore } from './rate-limit.js'
import { memoryReplayStore } from './replay.js'

/** One store for each policy. */
export interface MemoryStores {
  readonly rateLimit: RateLimitStore
  readonly idempotency: IdempotencyStore
  readonly cache: CacheStore
  readonly replay: ReplayStore
}

/** Settings of {@link memoryStores}. Bounds are set on the single stores: `memoryCacheStore({ maxBytes })`. */
export interface MemoryStoresOptions {
  /** The source of time for all of them. Default: the machine's clock. */
  readonly clock?: Clock
}

/** Makes the stores for a gate that runs in one process. They are bounded, and a restart forgets them. */
export function memoryStores(options: MemoryStoresOptions = {}): MemoryStores {
  checkKnown('memoryStores', options, ['clock'])
  const { clock = systemClock } = options
  return {
    rateLimit: memoryRateLimitStore({ clock }),
    idempotency: memoryIdempotencyStore({ clock }),
    cache: memoryCacheStore({ clock }),
    replay: memoryReplayStore({ clock }),
  }
}
