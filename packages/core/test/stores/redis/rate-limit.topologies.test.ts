import { describe, expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useCluster, useSentinels } from '../../../../../test-support/redis/use-redis.js'
import type { RedisSentinels } from '../../../../../test-support/redis/sentinel.mjs'
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
    const { rateLimit, one, left } = await open(group())
    for (let times = 0; times < 4; times += 1) await rateLimit.consume([one])
    await replicated(group(), 'headgate:{one}')
    await master.kill()
    await poll('the new master', () => left().then(isKnown, isAway))
    expect(await left()).toBe(6)
  }, 30_000)
})

describeRedis('behind sentinels, with a replica that is behind', () => {
  const group = useSentinels()

  test('a failover admits once more what was not replicated, and no unit beyond it', async () => {
    const { master, replica } = group()
    const { rateLimit, one, left } = await open(group())
    const admitted = async (most: number): Promise<number> => {
      let count = 0
      while (count < most && (await rateLimit.consume([one])).outcome === 'admitted') count += 1
      return count
    }
    expect(await admitted(4)).toBe(4)
    await replicated(group(), 'headgate:{one}')
    // The replica may not follow any more: what is acknowledged from now on is on the master alone.
    await master.command('ACL', 'SETUSER', 'default', '-psync', '-sync')
    await master.command('CLIENT', 'KILL', 'TYPE', 'replica')
    await poll('the loss', async () => /master_link_status:down/.test(String(await replica.command('INFO'))))
    expect(await admitted(3)).toBe(3)
    await master.kill()
    await poll('the new master', () => left().then(isKnown, isAway))
    expect(await left()).toBe(6)
    // Ten, and the three that were lost.
    expect(await admitted(20)).toBe(6)
    expect(await left()).toBe(0)
  }, 30_000)
})

const isKnown = (): boolean => true
const isAway = (): boolean => false

async function open(group: RedisSentinels) {
  const { rateLimit } = redisStores(await connectSentinels(group), { ...PATIENT, cooldown: 50 })
  const one = charge('one', 10)
  const left = async (): Promise<number | undefined> =>
    (await rateLimit.consume([{ ...one, cost: 0 }])).quotas[0]?.remaining
  return { rateLimit, one, left }
}

/** Waits until the replica has what the master has. */
async function replicated({ master, replica }: RedisSentinels, key: string): Promise<void> {
  await poll('the replica', async () => {
    const stored = await Promise.all([master, replica].map((node) => node.command('GET', key)))
    return stored[0] !== null && stored[0] === stored[1]
  })
}
