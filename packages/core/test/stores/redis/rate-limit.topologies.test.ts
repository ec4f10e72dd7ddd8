import { describe, expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useCluster, useSentinels } from '../../../../../test-support/redis/use-redis.js'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import { guardRedis, redisStores } from '../../../src/stores/redis/index.js'
import { guardedRateLimitStore } from '../../../src/stores/redis/rate-limit.js'
import { rateLimitStoreSuite } from '../../../src/testing/rate-limit-store-suite.js'
import { connectCluster, connectSentinels, PATIENT, PIPELINING } from './clients.js'

function charge(key: string, burst: number): RateLimitCharge {
  return { quota: 'burst', key, interval: 3_600_000_000, burst, cost: 1 }
}

describeRedis('on a cluster', () => {
  const cluster = useCluster()

  describe.each(PIPELINING)('%s', (_title, pipelining) => {
    const connected = () => connectCluster(cluster(), pipelining)
    const suite = rateLimitStoreSuite(async (clock) => {
      const redis = guardRedis(await connected(), PATIENT)
      return guardedRateLimitStore(redis, { prefix: 'suite:', deadline: 50, now: () => clock.now() })
    })
    test.each([...suite])('$name', (one) => one.run())

    test('linearizable: many at once get exactly what everybody may, over nodes that forget the scripts', async () => {
      const stores = [
        redisStores(await connected(), PATIENT),
        redisStores(await connected(), PATIENT),
      ] as const
      const everybody = charge(`everybody ${_title}`, 40)
      const decisions: Promise<{ readonly outcome: string }>[] = []
      for (let call = 0; call < 200; call += 1) {
        const charges = [charge(`user-${call % 20} ${_title}`, 10), everybody]
        decisions.push((async () => (stores[call % 2] ?? stores[0]).rateLimit.consume(charges))())
        if (call % 50 === 0) await Promise.all(cluster().nodes.map((node) => node.flushScripts()))
      }
      const outcomes = (await Promise.all(decisions)).map(({ outcome }) => outcome)
      expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(40)
    })
  })
})

describeRedis('behind sentinels', () => {
  const group = useSentinels()

  test('budgets survive a failover that lost nothing', async () => {
    const { master } = group()
    const client = await connectSentinels(group())
    const { rateLimit } = redisStores(client, { ...PATIENT, cooldown: 50 })
    const one = charge('one', 10)
    for (let times = 0; times < 4; times += 1) await rateLimit.consume([one])
    await poll('the replica', async () => {
      const stored = await Promise.all(
        [master, group().replica].map((node) => node.command('GET', 'headgate:{one}')),
      )
      return stored[0] !== null && stored[0] === stored[1]
    })
    await master.kill()
    const look = async () => rateLimit.consume([{ ...one, cost: 0 }])
    await poll('the new master', () =>
      look().then(
        () => true,
        () => false,
      ),
    )
    expect((await look()).quotas[0]?.remaining).toBe(6)
  }, 30_000)
})
