import type { RedisArgument } from './client.js'
import type { CallsInTime, GuardedRedis } from './guard.js'
import type { RedisScript } from './script.js'

/** Where scripts get the time from: the server; tests let it come with each call. */
export interface ScriptTime {
  /** Lua: now, in integer microseconds. */
  readonly now: string
  /** Lua: a statement that makes it the local `now`. */
  readonly reading: string
  /** Lua: the arguments of `SET` by which a value lives until the local `latest`, in microseconds. */
  readonly expiry: string
  /** Lua: the place of the last argument that is the script's own. */
  readonly last: string
  /** Milliseconds that keys live longer than they must: the server's own time goes on while that of a test stands. */
  readonly grace: number
}

/** The clock of the server. */
export const SERVER_TIME: ScriptTime = {
  now: `(function() local time = redis.call('TIME') return time[1] * 1000000 + time[2] end)()`,
  reading: `local time = redis.call('TIME')\nlocal now = time[1] * 1000000 + time[2]`,
  // Not `PX`, which Redis writes anew for its replicas.
  expiry: `'PXAT', string.format('%d', (latest + 999) / 1000)`,
  last: '#ARGV',
  grace: 0,
}

/** Each call brings the time as its last argument. */
export const ARGUMENT_TIME: ScriptTime = {
  now: 'tonumber(ARGV[#ARGV])',
  reading: 'local now = tonumber(ARGV[#ARGV])',
  expiry: `'PX', string.format('%d', (latest - now + 999) / 1000 + 3600000)`,
  last: '#ARGV - 1',
  grace: 3_600_000,
}

/** Runs a script at the store's time. */
export type RunScript = (
  script: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
) => Promise<unknown>

/** A client whose scripts run at the store's time. */
export interface TimedRedis {
  readonly run: RunScript
  /** As {@link GuardedRedis} does it. */
  together<T>(work: (calls: TimedCalls) => Promise<T>): Promise<T>
}

/** Calls at the store's time that have one deadline. */
export interface TimedCalls {
  readonly run: RunScript
  readonly waitFor: CallsInTime['waitFor']
}

/** @param now for tests: milliseconds, instead of the server's time. */
export function timedRedis(redis: GuardedRedis, now?: () => number): TimedRedis {
  const timed = (one: Pick<GuardedRedis, 'run'>): RunScript =>
    now === undefined
      ? (script, keys, args) => one.run(script, keys, args)
      : (script, keys, args) => one.run(script, keys, [...args, Math.round(now() * 1_000)])
  return {
    run: timed(redis),
    together: (work) => redis.together((calls) => work({ run: timed(calls), waitFor: calls.waitFor })),
  }
}
