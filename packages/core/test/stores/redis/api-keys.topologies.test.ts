import { describe, expect, test } from '@jest/globals'
import { describeRedis, useCluster } from '../../../../../test-support/redis/use-redis.js'
import { redisStores } from '../../../src/stores/redis/index.js'
import { ask, issue, schemeOf, statusOf } from './api-keys.js'
import { connectCluster, PATIENT, PIPELINING, untilItAnswers } from './clients.js'
import { guardRedis } from '../../../src/stores/redis/guard.js'
import { recordKey } from '../../../src/stores/redis/api-key-layout.js'

describeRedis('the records of API keys on a cluster', () => {
  const cluster = useCluster()

  describe.each(PIPELINING)('%s', (_title, pipelining) => {
    const open = () => connectCluster(cluster(), pipelining)

    test('are put, found, retired and revoked on every node, by another process too', async () => {
      const [here, there] = [
        redisStores(await open(), PATIENT).apiKeys,
        redisStores(await open(), PATIENT).apiKeys,
      ]
      const all = Array.from({ length: 40 }, () => issue())
      await Promise.all(all.map(async ({ record }) => here.put(record)))
      await Promise.all(cluster().nodes.map((node) => node.flushScripts()))
      const scheme = schemeOf(there)
      const outcomes = async () =>
        new Set(await Promise.all(all.map(async ({ issued }) => ask(scheme, issued))))
      expect(await outcomes()).toEqual(new Set(['accepted']))
      expect(
        new Set(await Promise.all(all.map(async ({ record }) => here.retire(record.keyId, '1h')))),
      ).toEqual(new Set([true]))
      expect(await outcomes()).toEqual(new Set(['accepted']))
      await Promise.all(all.map(async ({ record }) => here.revoke(record.keyId)))
      expect(await outcomes()).toEqual(new Set(['revoked']))
      const sizes = await Promise.all(cluster().nodes.map((node) => node.command('DBSIZE')))
      expect(Math.min(...sizes.map(Number))).toBeGreaterThan(0)
    })
  })

  test('of a node that died are 503, and found again when it is back', async () => {
    const client = await connectCluster(cluster(), { slotsRefreshInterval: 500 })
    const keys = redisStores(client, { ...PATIENT, cooldown: 50 }).apiKeys
    const [node] = cluster().nodes
    const isFirst = async (digest: string) =>
      Number(await node?.command('CLUSTER', 'KEYSLOT', recordKey('headgate:', digest))) <= 5_460
    let mine = issue()
    while (!(await isFirst(mine.record.digest))) mine = issue()
    await keys.put(mine.record)
    const scheme = schemeOf(keys, { cache: {} })
    await node?.kill()
    expect(await statusOf(scheme, mine.issued)).toBe(503)
    await node?.restart({ keepData: false })
    const redis = guardRedis(client, { ...PATIENT, cooldown: 50 })
    await untilItAnswers(redis, recordKey('headgate:', mine.record.digest).replace('api-key', 'probe'))
    await keys.put(mine.record)
    expect(await statusOf(scheme, mine.issued)).toBe(200)
  }, 20_000)
})
