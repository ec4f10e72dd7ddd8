import { milliseconds } from '../../duration.js'
import { checkKnown, checkText } from '../../options.js'
import type { RateLimitStore, SlotRequest } from '../../rate-limit/store.js'
import type { RedisLike } from './client.js'
import { type GuardedRedis, guardRedis, REDIS_GUARD_DEFAULTS, type RedisGuardOptions } from './guard.js'
import { redisBudgets } from './rate-limit-budgets.js'
import { budgetScripts } from './rate-limit-budgets.lua.js'
import { redisSlots } from './rate-limit-slots.js'
import { slotScripts } from './rate-limit-slots.lua.js'
import { ARGUMENT_TIME, type RunScript, SERVER_TIME } from './script-time.js'

/** Settings of {@link redisRateLimitStore}: those of its guard, and where its keys are. */
export interface RedisRateLimitStoreOptions extends RedisGuardOptions {
  /** What every key begins with. No braces: they would put all keys into one slot of a cluster. Default `'headgate:'`. */
  readonly prefix?: string
}

/** What an option is when nobody says otherwise; durations in milliseconds. */
export const REDIS_RATE_LIMIT_DEFAULTS = { ...REDIS_GUARD_DEFAULTS, prefix: 'headgate:' } as const

/**
 * Makes a store that processes share: on one Redis, behind Sentinels, or on a Cluster. Its time is the server's.
 *
 * All quotas of one key are one value, and one script decides about them. A decision over several keys is one script
 * for each, in their order; when one denies, what was taken before is given back exactly.
 *
 * @throws TypeError when an option can't be right.
 */
export function redisRateLimitStore(
  client: RedisLike,
  options: RedisRateLimitStoreOptions = {},
): RateLimitStore {
  const { prefix, guard } = splitOptions('redisRateLimitStore', options)
  return guardedRateLimitStore(guardRedis(client, guard), { prefix, deadline: guard.deadline })
}

/** Checks the prefix, and parts it from the settings of the guard. */
export function splitOptions(owner: string, options: RedisRateLimitStoreOptions) {
  checkKnown(owner, options, ['prefix', 'deadline', 'failures', 'cooldown', 'clock', 'random', 'onEvent'])
  const { prefix = REDIS_RATE_LIMIT_DEFAULTS.prefix, ...guard } = options
  if (/[{}]/.test(checkText(`${owner}: prefix`, prefix))) {
    throw new TypeError(`${owner}: prefix must have no braces`)
  }
  const deadline = milliseconds(`${owner}: deadline`, guard.deadline ?? REDIS_RATE_LIMIT_DEFAULTS.deadline)
  return { prefix, guard: { ...guard, deadline } }
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
  const run: RunScript =
    now === undefined
      ? (script, keys, args) => redis.run(script, keys, args)
      : (script, keys, args) => redis.run(script, keys, [...args, Math.round(now() * 1_000)])
  // The tag is the digest: budgets and slots of one key are in one slot, and those of others anywhere.
  const budgetsAt = (key: string): string => `${prefix}{${key}}`
  const slotsAt = ({ key, quota }: SlotRequest): string => `${prefix}{${key}}:${quota}`
  return {
    ...redisBudgets(run, budgetScripts(time), budgetsAt, Math.round(deadline * 1_000)),
    ...redisSlots(run, slotScripts(time), slotsAt),
  }
}
