import { checkSpan, type Remembered, type ReplayStore } from '../../auth/replay-store.js'
import { checkInteger } from '../../options.js'
import { checkClient, type RedisLike } from './client.js'
import { type GuardedRedis, guardRedis } from './guard.js'
import {
  checkStoreOptions,
  REDIS_STORE_DEFAULTS,
  type RedisStoreOptions,
  type RedisStoreSetting,
} from './options.js'
import { rememberScript } from './replay.lua.js'
import { ARGUMENT_TIME } from './script-time.js'

/** Settings of {@link redisReplayStore}: those of every store on Redis, and how many ids a source may have. */
export interface RedisReplayStoreOptions extends RedisStoreOptions {
  /** The most ids of one source at a time. Default 50000. */
  readonly maxEntriesPerSource?: number
}

/** What an option is when nobody says otherwise; durations in milliseconds. */
export const REDIS_REPLAY_DEFAULTS = { ...REDIS_STORE_DEFAULTS, maxEntriesPerSource: 50_000 } as const

/**
 * Makes a store that processes share: on one Redis, behind Sentinels, or on a Cluster. Its time is the server's.
 *
 * All ids of a source are one value, and one script decides.
 *
 * @throws TypeError when an option can't be right.
 */
export function redisReplayStore(client: RedisLike, options: RedisReplayStoreOptions = {}): ReplayStore {
  const { guard, ...rest } = checkReplayOptions('redisReplayStore', options)
  return guardedReplayStore(guardRedis(checkClient('redisReplayStore', client), guard), rest)
}

/** @throws TypeError that names the option. */
export function checkReplayOptions(
  owner: string,
  options: RedisReplayStoreOptions,
): RedisStoreSetting & { readonly maxEntriesPerSource: number } {
  const setting = checkStoreOptions(owner, options, ['maxEntriesPerSource'])
  const { maxEntriesPerSource = REDIS_REPLAY_DEFAULTS.maxEntriesPerSource } = options
  return {
    ...setting,
    maxEntriesPerSource: checkInteger(`${owner}: maxEntriesPerSource`, maxEntriesPerSource),
  }
}

/** What a store on a guarded client needs. */
export interface GuardedReplayStoreInit {
  readonly prefix: string
  readonly maxEntriesPerSource?: number
  /** For tests: milliseconds, instead of the server's time. */
  readonly now?: () => number
}

/** Makes the store on a guarded client that others may share. */
export function guardedReplayStore(
  redis: Pick<GuardedRedis, 'run'>,
  { prefix, now, maxEntriesPerSource = REDIS_REPLAY_DEFAULTS.maxEntriesPerSource }: GuardedReplayStoreInit,
): ReplayStore {
  const script = rememberScript(now && ARGUMENT_TIME)
  return {
    async remember(id, source, milliseconds) {
      checkSpan(milliseconds)
      const args = [id, Math.ceil(milliseconds * 1_000), maxEntriesPerSource]
      if (now !== undefined) args.push(Math.round(now() * 1_000))
      return rememberedOf(await redis.run(script, [`${prefix}replay:{${source}}`], args))
    },
  }
}

/** An answer that is none must not pass for `fresh`. */
function rememberedOf(reply: unknown): Remembered {
  const remembered = REPLIES.get(String(reply))
  if (remembered === undefined) {
    throw new TypeError('redisReplayStore: the script gave no answer that it knows')
  }
  return remembered
}

const REPLIES: ReadonlyMap<string, Remembered> = new Map([
  ['0', 'fresh'],
  ['1', 'seen'],
  ['2', 'full'],
])
