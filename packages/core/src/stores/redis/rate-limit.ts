import type { RateLimitStore, SlotRequest } from '../../rate-limit/store.js'
import { checkClient, type RedisLike } from './client.js'
import { type GuardedRedis, guardRedis } from './guard.js'
import { checkStoreOptions, type RedisStoreOptions } from './options.js'
import { redisBudgets } from './rate-limit-budgets.js'
import { budgetScripts } from './rate-limit-budgets.lua.js'
import { redisSlots } from './rate-limit-slots.js'
import { slotScripts } from './rate-limit-slots.lua.js'
import { ARGUMENT_TIME, SERVER_TIME, timedRedis } from './script-time.js'

/**
 * Makes a store that processes share: on one Redis, behind Sentinels, or on a Cluster. Its time is the server's.
 *
 * All quotas of one key are one value, and one script decides about them. A decision over several keys is one script
 * for each, in their order; when one denies, what was taken before is given back exactly. It has one deadline all the
 * same.
 *
 * @throws TypeError when an option can't be right.
 */
export function redisRateLimitStore(client: RedisLike, options: RedisStoreOptions = {}): RateLimitStore {
  const { prefix, guard } = checkStoreOptions('redisRateLimitStore', options)
  return guardedRateLimitStore(guardRedis(checkClient('redisRateLimitStore', client), guard), {
    prefix,
    deadline: guard.deadline,
  })
}

/** What a store on a guarded client needs. */
export interface GuardedStoreInit {
  readonly prefix: string
  /** The guard's, in milliseconds. */
  readonly deadline: number
  /** For tests: milliseconds, instead of the server's time. */
  readonly now?: () => number
}

/** Makes the store on a guarded client that others may share. */
export function guardedRateLimitStore(
  redis: GuardedRedis,
  { prefix, deadline, now }: GuardedStoreInit,
): RateLimitStore {
  const time = now === undefined ? SERVER_TIME : ARGUMENT_TIME
  const timed = timedRedis(redis, now)
  // The tag is the digest: budgets and slots of one key are in one slot, and those of others anywhere.
  const budgetsAt = (key: string): string => `${prefix}{${key}}`
  const slotsAt = ({ key, quota }: SlotRequest): string => `${prefix}{${key}}:${quota}`
  return {
    decidesWithin: deadline,
    ...redisBudgets(timed, budgetScripts(time), budgetsAt, Math.round(deadline * 1_000)),
    ...redisSlots(timed, slotScripts(time), slotsAt),
  }
}
