import { createHash } from 'node:crypto'
import type { BinaryRedisLike, RedisArgument, RedisLike } from './client.js'

/** A Lua script with its digest. Make it once, not per call. */
export interface RedisScript {
  readonly lua: string
  /** SHA-1, the name Redis knows it by. */
  readonly sha: string
  /** Whether strings in its reply come as text (UTF-8) or as a `Buffer`. */
  readonly reply: 'text' | 'bytes'
}

/** Makes a script of Lua. Its keys are in `KEYS` only, and share a hash tag: a cluster runs a script in one slot. */
export function redisScript(lua: string, reply: 'text' | 'bytes' = 'text'): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex'), reply }
}

/**
 * Runs a script by its digest. A server that does not know it (a restart, a failover, another node), or a cluster that
 * moved its slot, says so in an error that {@link hasNotRun} knows; then it is safe to send it in full.
 *
 * Commands are not defined on the client: two versions of a library would overwrite each other's. The count of keys
 * stands on the wire, so ioredis finds the slot with auto-pipelining too.
 *
 * @param keys what {@link checkKeys} lets pass.
 */
export function runScript(
  client: BinaryRedisLike,
  { sha, reply }: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  try {
    return reply === 'bytes'
      ? client.evalshaBuffer(sha, keys.length, ...keys, ...args)
      : client.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Runs a script that its server did not run by its digest. */
export async function runInFull(
  client: BinaryRedisLike,
  { lua, reply }: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  const bytes = reply === 'bytes'
  if (client.isCluster === true && client.pipeline !== undefined) {
    return runAlone(client.pipeline([[bytes ? 'evalBuffer' : 'eval', lua, keys.length, ...keys, ...args]]))
  }
  return bytes
    ? client.evalBuffer(lua, keys.length, ...keys, ...args)
    : client.eval(lua, keys.length, ...keys, ...args)
}

/**
 * An automatic pipeline of ioredis 6 follows a redirection only if all of its commands got the same one; else each gets
 * the error, and the client never learns where the slot is. A pipeline of one command does both.
 */
async function runAlone(pipeline: ReturnType<NonNullable<RedisLike['pipeline']>>): Promise<unknown> {
  const [error, reply] = (await pipeline.exec())?.[0] ?? []
  if (error) throw error
  return reply
}

/**
 * Checks what works on one server and fails on a cluster only.
 *
 * @throws TypeError when there is no key, or keys that don't share a hash tag.
 */
export function checkKeys(keys: readonly string[]): void {
  const [first] = keys
  if (first === undefined) throw new TypeError('a Redis script needs a key')
  if (keys.length === 1) return
  const tag = hashTag(first)
  if (keys.some((key) => hashTag(key) !== tag)) {
    throw new TypeError('all keys of a Redis script must have the same hash tag')
  }
}

/** What a cluster hashes of a key: the text between its first `{` and the next `}`, or else all of it. */
function hashTag(key: string): string {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open + 1)
  return open === -1 || close <= open + 1 ? key : key.slice(open + 1, close)
}

/** The server does not know the script, or does not have its keys. */
export function hasNotRun(error: unknown): boolean {
  return /^(?:NOSCRIPT|MOVED|ASK)\b/.test(String((error as Partial<Error> | undefined)?.message))
}
