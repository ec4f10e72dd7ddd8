export type { RedisArgument, RedisLike } from './client.js'
export { CLUSTER_OPTIONS, REDIS_OPTIONS, type RedisClientWarning } from './client-warnings.js'
export { redisApiKeys, type RedisApiKeys } from './api-keys.js'
export type { BreakerState } from '../../breaker.js'
export {
  type CallsInTime,
  guardRedis,
  type GuardedRedis,
  REDIS_GUARD_DEFAULTS,
  type RedisEvent,
  type RedisGuardOptions,
} from './guard.js'
export { REDIS_STORE_DEFAULTS, type RedisStoreOptions } from './options.js'
export { redisRateLimitStore } from './rate-limit.js'
export { REDIS_REPLAY_DEFAULTS, redisReplayStore, type RedisReplayStoreOptions } from './replay.js'
export { redisScript, type RedisScript } from './script.js'
export { type RedisStores, redisStores, type RedisStoresOptions } from './stores.js'
export { StoreUnavailable, type UnavailableReason } from '../unavailable.js'
