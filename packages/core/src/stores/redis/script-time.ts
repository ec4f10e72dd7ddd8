import type { RedisArgument } from './client.js'
import type { RedisScript } from './script.js'

/** Where scripts get the time from: the server; tests let it come with each call. */
export interface ScriptTime {
  /** Lua: now, in integer microseconds. */
  readonly now: string
  /** Lua: the place of the last argument that is the script's own. */
  readonly last: string
  /** Milliseconds that keys live longer than they must: the server's own time goes on while that of a test stands. */
  readonly grace: number
}

/** The clock of the server. */
export const SERVER_TIME: ScriptTime = {
  now: `(function() local time = redis.call('TIME') return time[1] * 1000000 + time[2] end)()`,
  last: '#ARGV',
  grace: 0,
}

/** Each call brings the time as its last argument. */
export const ARGUMENT_TIME: ScriptTime = {
  now: 'tonumber(ARGV[#ARGV])',
  last: '#ARGV - 1',
  grace: 3_600_000,
}

/** Runs a script at the store's time. */
export type RunScript = (
  script: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
) => Promise<unknown>
