import type { RedisLike } from './client.js'

/** An option of the user's client that makes commands wait, or run when nobody waits for them any more. */
export interface RedisClientWarning {
  /** Where it stands: `maxRetriesPerRequest`, `redisOptions.socketTimeout`. */
  readonly option: string
  readonly advice: string
}

/** For a `Redis` of the gate's own, also behind Sentinels: `new Redis(url, { ...REDIS_OPTIONS })`. */
export const REDIS_OPTIONS = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  socketTimeout: 2_000,
} as const

/**
 * For a `Cluster` of the gate's own: `new Cluster(nodes, { ...CLUSTER_OPTIONS })`.
 *
 * It keeps its offline queue: without one, calls fail while it connects to a node, which it does at the first call to
 * that node. The queue is dropped when the connection fails.
 */
export const CLUSTER_OPTIONS = {
  retryDelayOnFailover: 0,
  redisOptions: { connectTimeout: 2_000, socketTimeout: 2_000 },
} as const

/**
 * Tells which options of a client would make a call hang or run late, measured with ioredis 6. No call of a store
 * waits for them, thanks to its deadline; its effect may.
 */
export function clientWarnings(client: RedisLike): readonly RedisClientWarning[] {
  const options = client.options as ClientOptions
  const isCluster = client.isCluster === true
  const node: ClientOptions = (isCluster ? options.redisOptions : options) ?? {}
  const prefix = isCluster ? 'redisOptions.' : ''
  const reconnects = !isCluster || typeof options.clusterNodeRetryStrategy === 'function'
  const warnings: RedisClientWarning[] = []

  if (!isCluster && options.enableOfflineQueue !== false)
    warnings.push({ option: 'enableOfflineQueue', advice: OFFLINE_QUEUE })
  if (reconnects && node.maxRetriesPerRequest !== 0) {
    warnings.push({ option: `${prefix}maxRetriesPerRequest`, advice: SENT_AGAIN })
  }
  if (isCluster && options.retryDelayOnFailover !== 0) {
    warnings.push({ option: 'retryDelayOnFailover', advice: SENT_AGAIN })
  }
  if (node.socketTimeout === undefined)
    warnings.push({ option: `${prefix}socketTimeout`, advice: DEAD_SOCKET })
  return warnings
}

interface ClientOptions {
  readonly enableOfflineQueue?: unknown
  readonly maxRetriesPerRequest?: unknown
  readonly socketTimeout?: unknown
  readonly retryDelayOnFailover?: unknown
  readonly clusterNodeRetryStrategy?: unknown
  readonly redisOptions?: ClientOptions
}

const OFFLINE_QUEUE = 'set false: a command that finds no connection waits for one and runs late'
const SENT_AGAIN = 'set 0: a command that lost its connection is sent again later, and may take effect twice'
const DEAD_SOCKET = 'set about 2000: a connection that died in silence is only given up after minutes'
