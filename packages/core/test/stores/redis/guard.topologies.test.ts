import { describe, expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useCluster, useSentinels } from '../../../../../test-support/redis/use-redis.js'
import { guardRedis, redisScript, type RedisGuardOptions } from '../../../src/stores/redis/index.js'
import {
  connectCluster,
  connectSentinels,
  COUNT,
  MOVE,
  PATIENT,
  PIPELINING,
  untilItAnswers,
} from './clients.js'

const KEEP = redisScript(`redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])`, 'bytes')

describeRedis('scripts on a cluster', () => {
  const cluster = useCluster()

  describe.each(PIPELINING)('%s', (_title, pipelining) => {
    const open = async (options: RedisGuardOptions = PATIENT) => {
      const client = await connectCluster(cluster(), { ...pipelining, slotsRefreshInterval: 500 })
      return guardRedis(client, options)
    }

    test('are not lost while a node is being connected to', async () => {
      const redis = await open()
      const calls = Array.from({ length: 300 }, (_, index) =>
        redis.run(COUNT, [`{new-${index % 30}}:count`], [1]),
      )
      expect(await Promise.all(calls)).toHaveLength(300)
    })

    test('reach the node of their keys, on every node and though nodes forget them', async () => {
      const redis = await open()
      for (const node of cluster().nodes) await node.command('FLUSHALL')
      const tags = Array.from({ length: 60 }, (_, index) => `tag-${index}`)
      for (let round = 1; round <= 3; round += 1) {
        await Promise.all(cluster().nodes.map((node) => node.flushScripts()))
        const replies = await Promise.all(tags.map((tag) => redis.run(COUNT, [`{${tag}}:count`], [1])))
        expect(new Set(replies)).toEqual(new Set([round]))
      }
      const moved = await Promise.all(
        tags.map((tag) => redis.run(MOVE, [`{${tag}}:count`, `{${tag}}:moved`])),
      )
      expect(new Set(moved)).toEqual(new Set(['3']))
      const sizes = await Promise.all(cluster().nodes.map((node) => node.command('DBSIZE')))
      expect(sizes.reduce((sum: number, size) => sum + Number(size), 0)).toBe(60)
      expect(Math.min(...sizes.map(Number))).toBeGreaterThan(0)
    })

    test('sent in full keep bytes as they are, and the key prefix of the client', async () => {
      const redis = guardRedis(await connectCluster(cluster(), { ...pipelining, keyPrefix: 'app:' }), PATIENT)
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
      for (const node of cluster().nodes) await node.flushScripts()
      const keys = Array.from({ length: 12 }, (_, index) => `{kept ${index}}`)
      const replies = await Promise.all(keys.map((key) => redis.run(KEEP, [key], [bytes])))
      for (const reply of replies) expect(reply).toEqual(bytes)
      const found = await Promise.all(cluster().nodes.map((node) => node.command('KEYS', 'app:{kept*')))
      expect(found.flat()).toHaveLength(12)
    })

    test('of a node that died run again when it is back', async () => {
      const redis = await open()
      const [node] = cluster().nodes
      // Slot 3300 is the first node's, which has 0 to 5460.
      const key = '{b}:count'
      expect(await node?.command('CLUSTER', 'KEYSLOT', key)).toBe(3300)
      await redis.run(COUNT, [key], [1])
      await node?.kill()
      await expect(redis.run(COUNT, [key], [1])).rejects.toMatchObject({ name: 'StoreUnavailable' })
      await node?.restart()
      await untilItAnswers(redis, key)
      expect(await redis.run(COUNT, [key], [1])).toBeGreaterThan(0)
    }, 20_000)
  })
})

describeRedis('scripts behind sentinels', () => {
  const group = useSentinels()

  test('run on the new master after a failover, which does not know them', async () => {
    const { master } = group()
    const client = await connectSentinels(group())
    const redis = guardRedis(client, { ...PATIENT, cooldown: 50 })
    expect(await redis.run(COUNT, ['count'], [5])).toBe(5)
    await poll('the replica', async () => (await group().replica.command('GET', 'count')) === '5')
    await master.kill()
    await untilItAnswers(redis, 'count')
    expect(await redis.run(COUNT, ['count'], [1])).toBe(6)
  }, 30_000)
})
