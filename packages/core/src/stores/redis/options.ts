import { milliseconds } from '../../duration.js'
import { checkKnown, checkText } from '../../options.js'
import { REDIS_GUARD_DEFAULTS, type RedisGuardOptions } from './guard.js'

/** Settings of a store on Redis: those of its guard, and where its keys are. */
export interface RedisStoreOptions extends RedisGuardOptions {
  /** What every key begins with. No braces: they would put all keys into one slot of a cluster. Default `'headgate:'`. */
  readonly prefix?: string
}

/** What an option is when nobody says otherwise; durations in milliseconds. */
export const REDIS_STORE_DEFAULTS = { ...REDIS_GUARD_DEFAULTS, prefix: 'headgate:' } as const

/** The settings of a store, and those that its guard checks. */
export interface RedisStoreSetting {
  readonly prefix: string
  readonly guard: RedisGuardOptions & { readonly deadline: number }
}

const GUARD = ['deadline', 'failures', 'cooldown', 'clock', 'random', 'onEvent']

/**
 * Checks the prefix, and parts it from the settings of the guard.
 *
 * @param own what options the store has beside them.
 * @throws TypeError that names the option.
 */
export function checkStoreOptions(
  owner: string,
  options: RedisStoreOptions,
  own: readonly string[] = [],
): RedisStoreSetting {
  checkKnown(owner, options, ['prefix', ...GUARD, ...own])
  const { prefix = REDIS_STORE_DEFAULTS.prefix, deadline = REDIS_STORE_DEFAULTS.deadline } = options
  if (/[{}]/.test(checkText(`${owner}: prefix`, prefix))) {
    throw new TypeError(`${owner}: prefix must have no braces`)
  }
  const guard: RedisGuardOptions = Object.fromEntries(
    Object.entries(options).filter(([name]) => GUARD.includes(name)),
  )
  return { prefix, guard: { ...guard, deadline: milliseconds(`${owner}: deadline`, deadline) } }
}
