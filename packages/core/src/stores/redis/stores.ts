import type { ReplayStore } from '../../auth/replay-store.js'
import type { RateLimitStore } from '../../rate-limit/store.js'
import { guardedApiKeys, type RedisApiKeys } from './api-keys.js'
import { checkClient, type RedisLike } from './client.js'
import { guardRedis } from './guard.js'
import { guardedRateLimitStore } from './rate-limit.js'
import { checkReplayOptions, guardedReplayStore, type RedisReplayStoreOptions } from './replay.js'

/** Settings of {@link redisStores}: those of every store, and of the guard that they share. */
export type RedisStoresOptions = RedisReplayStoreOptions

/** The stores that processes can share. */
export interface RedisStores {
  readonly rateLimit: RateLimitStore
  readonly apiKeys: RedisApiKeys
  readonly replay: ReplayStore
}

/**
 * Makes the stores on one client, behind one guard. Nothing is set or defined on the client.
 *
 * @throws TypeError when an option can't be right.
 */
export function redisStores(client: RedisLike, options: RedisStoresOptions = {}): RedisStores {
  const { prefix, guard, maxEntriesPerSource } = checkReplayOptions('redisStores', options)
  const redis = guardRedis(checkClient('redisStores', client), guard)
  return {
    apiKeys: guardedApiKeys(redis, { prefix, onEvent: guard.onEvent }),
    rateLimit: guardedRateLimitStore(redis, { prefix, deadline: guard.deadline }),
    replay: guardedReplayStore(redis, { prefix, maxEntriesPerSource }),
  }
}
