/** A value in a command. Bytes are a `Buffer`: ioredis would write another typed array as text. */
export type RedisArgument = string | number | Buffer

/**
 * The part of ioredis that the stores use. A `Redis` (also behind Sentinels) and a `Cluster` have it, whatever their
 * options are; nothing is ever set on them.
 */
export interface RedisLike {
  /** Commands are sent while it is `ready`. */
  readonly status: string
  readonly isCluster?: boolean
  /** The connection of a `Redis`: it may have ended before the client has noticed. */
  readonly stream?: { readonly writable: boolean }
  readonly options: object
  /** Called once if the client is lazy and nobody has connected it. */
  connect(): Promise<unknown>
  evalsha(sha: string, keyCount: number, ...keysAndArguments: RedisArgument[]): Promise<unknown>
  eval(lua: string, keyCount: number, ...keysAndArguments: RedisArgument[]): Promise<unknown>
  /** Used of a cluster: a command that must not share its way with others. */
  pipeline?(commands: unknown[][]): { exec(): Promise<[Error | null, unknown][] | null> }
}

/**
 * What ioredis has, for every command, and does not declare for these two. The `callBuffer` it declares loses its
 * command with auto-pipelining.
 */
export interface BinaryRedisLike extends RedisLike {
  evalshaBuffer: RedisLike['evalsha']
  evalBuffer: RedisLike['eval']
}

const METHODS = ['connect', 'evalsha', 'eval', 'evalshaBuffer', 'evalBuffer']

/** @throws TypeError that says what a client is. What is given is not quoted: a URL may hold a password. */
export function checkClient(owner: string, client: unknown): BinaryRedisLike {
  const has = (method: string): boolean =>
    typeof (client as Partial<Record<string, unknown>> | null | undefined)?.[method] === 'function'
  if (METHODS.every(has)) return client as BinaryRedisLike
  throw new TypeError(
    `${owner}: client must be an ioredis client, made by new Redis(url) or new Cluster(nodes)`,
  )
}
