import { expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { ApiKeyRecord } from '../../../src/auth/api-key-record.js'
import { redisApiKeys } from '../../../src/stores/redis/index.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { issue, schemeOf, statusOf } from './api-keys.js'
import { connect, PATIENT } from './clients.js'

describeRedis('while the server is away', () => {
  const server = useRedis()

  test('killed: 503 at once, remembered keys pass until their time; it works again without a restart', async () => {
    const clock = new ManualClock()
    const keys = redisApiKeys(await connect(server().port), PATIENT)
    const { issued, record } = issue()
    const stranger = issue()
    await keys.put(record)
    const scheme = schemeOf(keys, { clock, cache: { ttl: '30s' } })
    expect(await statusOf(scheme, issued)).toBe(200)
    await server().kill()
    await poll('the client', async () => (await statusOf(scheme, stranger.issued)) === 503)
    expect(await statusOf(scheme, issued)).toBe(200)
    await clock.advance(30_000)
    expect(await statusOf(scheme, issued)).toBe(503)
    await expect(keys.revoke(record.keyId)).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await server().restart()
    const putAgain = (one: ApiKeyRecord) =>
      keys.put(one).then(
        () => true,
        () => false,
      )
    await poll('the store', () => putAgain(record))
    // The outage was no answer: nothing of it is remembered, for the stranger neither.
    expect(await statusOf(scheme, issued)).toBe(200)
    await keys.put(stranger.record)
    expect(await statusOf(scheme, stranger.issued)).toBe(200)
  })

  test('hung: 503 at the deadline, then at once, and it works again without a restart', async () => {
    const clock = new ManualClock()
    const keys = redisApiKeys(await connect(server().port), {
      deadline: 50,
      failures: 2,
      cooldown: '1s',
      clock,
      random: () => 0,
    })
    const { issued, record } = issue()
    await keys.put(record)
    const scheme = schemeOf(keys, { clock, cache: { ttl: '30s' } })
    server().pause()
    try {
      const [first, second] = [statusOf(scheme, issued), statusOf(scheme, issue().issued)]
      await clock.advance(50)
      expect([await first, await second]).toEqual([503, 503])
      expect(await statusOf(scheme, issued)).toBe(503)
      expect(clock.pending).toBe(1)
    } finally {
      server().resume()
    }
    await clock.advance(1_000)
    expect(await statusOf(scheme, issued)).toBe(200)
  })
})
