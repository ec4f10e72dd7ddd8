import { afterEach } from '@jest/globals'
import { Cluster, type ClusterOptions, Redis } from 'ioredis'
import type { RedisCluster } from '../../../../../test-support/redis/cluster.mjs'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import type { RedisSentinels } from '../../../../../test-support/redis/sentinel.mjs'
import {
  CLUSTER_OPTIONS,
  type GuardedRedis,
  REDIS_OPTIONS,
  redisScript,
} from '../../../src/stores/redis/index.js'

export const COUNT = redisScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`)
export const MOVE = redisScript(`redis.call('RENAME', KEYS[1], KEYS[2]) return redis.call('GET', KEYS[2])`)

/** Far more than any call takes here: where a test is not about time, time plays no part. */
export const PATIENT = { deadline: '10s', random: () => 0 } as const

export const PIPELINING = [
  ['without auto-pipelining', { enableAutoPipelining: false }],
  ['with auto-pipelining', { enableAutoPipelining: true }],
] as const

const clients: (Redis | Cluster)[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})

export function track<T extends Redis | Cluster>(client: T): T {
  clients.push(client)
  client.on('error', () => undefined)
  return client
}

export async function connect(port: number, options: ClientOptions = {}): Promise<Redis> {
  const client = track(
    new Redis(port, '127.0.0.1', { ...REDIS_OPTIONS, retryStrategy: () => 20, ...options }),
  )
  await happens(client, 'ready')
  return client
}

export async function connectCluster(
  { nodes }: RedisCluster,
  options: Pick<ClusterOptions, 'natMap' | 'slotsRefreshInterval'> & ClientOptions = {},
): Promise<Cluster> {
  const addresses = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const client = track(new Cluster(addresses, { ...CLUSTER_OPTIONS, ...options }))
  await happens(client, 'ready')
  return client
}

export async function connectSentinels({ name, sentinels }: RedisSentinels): Promise<Redis> {
  const client = track(
    new Redis({
      ...REDIS_OPTIONS,
      name,
      sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      retryStrategy: () => 50,
      sentinelRetryStrategy: () => 50,
    }),
  )
  await happens(client, 'ready')
  return client
}

export interface ClientOptions {
  readonly enableAutoPipelining?: boolean
  readonly keyPrefix?: string
}

/** Not `events.once`: that rejects when the client reports an error in between. */
export function happens(client: Redis | Cluster, event: string): Promise<void> {
  return new Promise((resolve) => void client.once(event, () => resolve()))
}

/** Calls until the server is back. Only for calls that may be made any number of times. */
export async function untilItAnswers(redis: GuardedRedis, key: string): Promise<void> {
  await poll('the store', () =>
    redis.run(COUNT, [key], [0]).then(
      () => true,
      () => false,
    ),
  )
}
