import { describe, expect, test } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import { clientWarnings } from '../../../src/stores/redis/client-warnings.js'
import { CLUSTER_OPTIONS, REDIS_OPTIONS, type RedisLike } from '../../../src/stores/redis/index.js'

const NODES = [{ host: '127.0.0.1', port: 1 }]

function optionsOf(client: RedisLike): string[] {
  return clientWarnings(client).map(({ option }) => option)
}

describe('clientWarnings', () => {
  test('names each default of ioredis that makes a command run late', () => {
    const names = ['enableOfflineQueue', 'maxRetriesPerRequest', 'socketTimeout']
    expect(optionsOf(new Redis({ lazyConnect: true }))).toEqual(names)
  })

  test('names those of a cluster, and of its nodes', () => {
    const names = ['retryDelayOnFailover', 'redisOptions.socketTimeout']
    expect(optionsOf(new Cluster(NODES, { lazyConnect: true }))).toEqual(names)
    const reconnecting = new Cluster(NODES, {
      ...CLUSTER_OPTIONS,
      lazyConnect: true,
      clusterNodeRetryStrategy: () => 100,
    })
    expect(optionsOf(reconnecting)).toEqual(['redisOptions.maxRetriesPerRequest'])
  })

  test('has nothing to say about the options this package offers', () => {
    expect(optionsOf(new Redis({ ...REDIS_OPTIONS, lazyConnect: true }))).toEqual([])
    expect(optionsOf(new Cluster(NODES, { ...CLUSTER_OPTIONS, lazyConnect: true }))).toEqual([])
  })

  test('names the retries that never end', () => {
    const client = new Redis({ ...REDIS_OPTIONS, lazyConnect: true, maxRetriesPerRequest: null })
    expect(optionsOf(client)).toEqual(['maxRetriesPerRequest'])
  })
})
