import { describe, expect, test } from '@jest/globals'
import { describeRedis, useCluster } from '../../../../../test-support/redis/use-redis.js'
import { keyOf } from '../../../src/key.js'
import { guardRedis, redisStores } from '../../../src/stores/redis/index.js'
import { guardedReplayStore } from '../../../src/stores/redis/replay.js'
import { replayStoreSuite } from '../../../src/testing/replay-store-suite.js'
import { connectCluster, PATIENT, PIPELINING } from './clients.js'

describeRedis('on a cluster', () => {
  const cluster = useCluster()

  describe.each(PIPELINING)('%s', (title, pipelining) => {
    const connected = () => connectCluster(cluster(), pipelining)
    const suite = replayStoreSuite(async (clock, bounds) => {
      const redis = guardRedis(await connected(), PATIENT)
      return guardedReplayStore(redis, { prefix: 'suite:', now: () => clock.now(), ...bounds })
    })
    test.each([...suite])('$name', (one) => one.run())

    test('each of many sources finds its ids on one node, from any process', async () => {
      const [first, second] = [
        redisStores(await connected(), PATIENT).replay,
        redisStores(await connected(), PATIENT).replay,
      ]
      const sources = Array.from({ length: 60 }, (_, index) => keyOf(title, 'source', index))
      const all = (store: typeof first) =>
        Promise.all(sources.map(async (source) => store.remember(keyOf('id'), source, 60_000)))
      expect(new Set(await all(first))).toEqual(new Set(['fresh']))
      expect(new Set(await all(second))).toEqual(new Set(['seen']))
      const sizes = await Promise.all(cluster().nodes.map((node) => node.command('DBSIZE')))
      expect(sizes.every((size) => Number(size) > 0)).toBe(true)
    })
  })
})
