import { expect, test } from '@jest/globals'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { redisStores } from '../../../src/stores/redis/index.js'
import { connect, PATIENT } from '../../stores/redis/clients.js'
import { chain, signed } from './signing.js'

describeRedis('with a replay store on Redis', () => {
  const server = useRedis()

  test('a signature is good once for all processes, and each key has an end', async () => {
    const client = await connect(server().port)
    const processes = [chain({ replay: redisStores(client, PATIENT).replay })]
    processes.push(chain({ replay: redisStores(await connect(server().port), PATIENT).replay }))
    const verdicts = await Promise.all(processes.map((each) => each.verdict(signed())))
    expect(verdicts.toSorted()).toEqual(['accepted', 'replayed'])

    for (const key of await client.keys('*')) {
      expect(await client.pttl(key)).toBeGreaterThan(100_000)
      expect(await client.pttl(key)).toBeLessThanOrEqual(120_000)
    }
  })

  test('nothing is accepted while it is away', async () => {
    const client = await connect(server().port)
    const gate = chain({ replay: redisStores(client, PATIENT).replay })
    client.disconnect()
    expect(await gate.verdict(signed())).toBe('auth-unavailable')
  })
})
