import { afterAll, beforeAll, describe } from '@jest/globals'
import { startCluster, startRedis, startSentinels } from './index.mjs'
import type { RedisCluster } from './cluster.mjs'
import type { RedisSentinels } from './sentinel.mjs'
import type { RedisServer, RedisServerOptions } from './server.mjs'

/** The first start on a machine may have to get the server first. */
const FIRST_START = 300_000

/** `describe` for tests that need a real server. `HEADGATE_REDIS=skip` leaves them out, and they count as skipped. */
export const describeRedis = process.env.HEADGATE_REDIS === 'skip' ? describe.skip : describe

/** A server for the tests of this block. Call what it returns inside of them. */
export function useRedis(options?: RedisServerOptions): () => RedisServer {
  return use('useRedis', () => startRedis(options))
}

/** A Redis Cluster of three masters for the tests of this block. */
export function useCluster(): () => RedisCluster {
  return use('useCluster', startCluster)
}

/** A master, a replica and three sentinels for the tests of this block. */
export function useSentinels(): () => RedisSentinels {
  return use('useSentinels', startSentinels)
}

function use<T extends { stop(): Promise<void> }>(name: string, start: () => Promise<T>): () => T {
  let running: T | undefined
  beforeAll(async () => {
    running = await start()
  }, FIRST_START)
  afterAll(async () => {
    await running?.stop()
    running = undefined
  })
  return () => {
    if (running === undefined) throw new Error(`${name}: there is a server inside of tests only`)
    return running
  }
}
