import { expect, jest, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import {
  guardRedis,
  REDIS_OPTIONS,
  redisScript,
  type RedisGuardOptions,
} from '../../../src/stores/redis/index.js'
import { ManualClock } from '../../../src/testing/index.js'
import {
  type ClientOptions,
  connect,
  COUNT,
  happens,
  MOVE,
  PATIENT,
  PIPELINING,
  track,
  untilItAnswers,
} from './clients.js'

const ECHO = redisScript(`return ARGV[1]`, 'bytes')

const reasons = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) =>
    result.status === 'fulfilled' ? 'answered' : (result.reason as { reason: string }).reason,
  )

describeRedis.each(PIPELINING)('scripts on one server, %s', (_title, pipelining) => {
  const server = useRedis()
  const open = async (options: RedisGuardOptions = PATIENT, client: ClientOptions = {}) =>
    guardRedis(await connect(server().port, { ...pipelining, ...client }), options)

  test('run though the server forgets them at any time, each exactly once', async () => {
    const redis = await open()
    const key = 'count-flushed'
    const calls: Promise<unknown>[] = []
    for (let round = 0; round < 20; round += 1) {
      for (let call = 0; call < 10; call += 1) calls.push(redis.run(COUNT, [key], [1]))
      if (round % 5 === 0) await server().flushScripts()
    }
    const replies = await Promise.all(calls)
    expect(new Set(replies).size).toBe(200)
    expect(await server().command('GET', key)).toBe('200')
  })

  test('take bytes and give bytes, whatever they are', async () => {
    const redis = await open()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    await server().flushScripts()
    expect(await redis.run(ECHO, ['any'], [bytes])).toEqual(bytes)
    expect(await redis.run(ECHO, ['any'], [bytes])).toEqual(bytes)
    expect(await redis.run(ECHO, ['any'], [Buffer.alloc(0)])).toEqual(Buffer.alloc(0))
  })

  test('find their keys behind the key prefix of the client', async () => {
    const redis = await open(PATIENT, { keyPrefix: 'app:' })
    await redis.run(COUNT, ['{a}:from'], [7])
    expect(await redis.run(MOVE, ['{a}:from', '{a}:to'])).toBe('7')
    expect(await server().command('GET', 'app:{a}:to')).toBe('7')
  })

  test('of two copies of the library share one client', async () => {
    const client = await connect(server().port, pipelining)
    const before = Reflect.ownKeys(client)
    const options = { ...client.options }
    jest.resetModules()
    const other = await import('../../../src/stores/redis/index.js')
    expect(other.guardRedis).not.toBe(guardRedis)
    const [mine, theirs] = [guardRedis(client, PATIENT), other.guardRedis(client, PATIENT)]
    const theirCount = other.redisScript(`return -1 * redis.call('INCRBY', KEYS[1], ARGV[1])`)
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => [
        mine.run(COUNT, ['mine'], [1]),
        theirs.run(theirCount, ['theirs'], [1]),
      ]).flat(),
    )
    expect(replies.filter((_, index) => index % 2 === 0)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    expect(replies.filter((_, index) => index % 2 === 1)).toEqual(
      Array.from({ length: 20 }, (_, index) => -index - 1),
    )
    expect(Reflect.ownKeys(client)).toEqual(before)
    expect(client.options).toEqual(options)
  })

  test('end at the deadline when the server hangs; then it is left alone, and tried again', async () => {
    const clock = new ManualClock()
    const redis = await open({ deadline: 50, failures: 3, cooldown: '1s', clock, random: () => 0 })
    await redis.run(COUNT, ['hung'], [1])
    server().pause()
    try {
      const calls = Promise.allSettled([1, 2, 3, 4].map((by) => redis.run(COUNT, ['hung'], [by])))
      await clock.advance(50)
      expect(reasons(await calls)).toEqual(['deadline', 'deadline', 'deadline', 'deadline'])
      await expect(redis.run(COUNT, ['hung'], [1])).rejects.toMatchObject({ reason: 'breaker-open' })
      await clock.advance(1_000)
      const probe = Promise.allSettled([redis.run(COUNT, ['hung'], [1]), redis.run(COUNT, ['hung'], [1])])
      await clock.advance(50)
      expect(reasons(await probe)).toEqual(['deadline', 'breaker-open'])
    } finally {
      server().resume()
    }
    await clock.advance(1_000)
    // A call that ended at its deadline was made all the same: 1 + (1 + 2 + 3 + 4) + 1, then one more.
    expect(await redis.run(COUNT, ['hung'], [1])).toBe(13)
    expect(await redis.run(COUNT, ['hung'], [1])).toBe(14)
  })

  test('are answered though this process was busy for longer than the deadline', async () => {
    const redis = await open({ deadline: 50, failures: 1 })
    await redis.run(COUNT, ['busy'], [1])
    const calls = Promise.all([1, 2, 3].map((by) => redis.run(COUNT, ['busy'], [by])))
    // Past the write of an automatic pipeline.
    await new Promise((resolve) => setImmediate(resolve))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    expect(await calls).toEqual([2, 4, 7])
  })

  test('are known not to be sent over a connection that ended, before the client has noticed', async () => {
    const client = await connect(server().port, pipelining)
    const redis = guardRedis(client, PATIENT)
    client.stream.end()
    expect(client.status).toBe('ready')
    await expect(redis.run(COUNT, ['ended'], [1])).rejects.toMatchObject({ mayHaveApplied: false })
    await untilItAnswers(redis, 'ended')
    expect(await redis.run(COUNT, ['ended'], [1])).toBe(1)
  })

  test('fail at once when the server is killed, never twice, and run again when it is back', async () => {
    const redis = await open()
    expect(await redis.run(COUNT, ['killed'], [1])).toBe(1)
    server().pause()
    const inFlight = Promise.allSettled([
      redis.run(COUNT, ['killed'], [1]),
      redis.run(COUNT, ['killed'], [1]),
    ])
    await new Promise((resolve) => setImmediate(resolve))
    await server().kill()
    expect(reasons(await inFlight)).toEqual(['error', 'error'])
    await expect(redis.run(COUNT, ['killed'], [1])).rejects.toMatchObject({ reason: 'not-ready' })
    await server().restart()
    await untilItAnswers(redis, 'killed')
    expect(await redis.run(COUNT, ['killed'], [1])).toBe(1)
  })
})

describeRedis('a client with the defaults of ioredis', () => {
  const server = useRedis()

  test('does not keep a call waiting either: 73 s are 50 ms', async () => {
    const clock = new ManualClock()
    const client = track(new Redis(server().port, '127.0.0.1'))
    await happens(client, 'ready')
    const redis = guardRedis(client, { clock, random: () => 0 })
    server().pause()
    const hung = redis.run(COUNT, ['late'], [1]).catch((error: unknown) => error)
    await new Promise((resolve) => setImmediate(resolve))
    const closed = happens(client, 'close')
    await server().kill()
    await closed
    await clock.advance(50)
    expect(await hung).toMatchObject({ reason: 'deadline' })
    await expect(redis.run(COUNT, ['late'], [1])).rejects.toMatchObject({ reason: 'not-ready' })
    expect(client.options.enableOfflineQueue).toBe(true)
    await server().restart()
    // ioredis sends the call again; the new server does not know the script, and nobody waits for it any more.
    await poll('the client', async () => client.status === 'ready')
    expect(await redis.run(COUNT, ['late'], [1])).toBe(1)
  })

  test('and a lazy one is connected by the first call', async () => {
    const client = track(new Redis(server().port, '127.0.0.1', { ...REDIS_OPTIONS, lazyConnect: true }))
    const redis = guardRedis(client, PATIENT)
    await expect(redis.run(COUNT, ['lazy'], [1])).rejects.toMatchObject({ reason: 'not-ready' })
    await happens(client, 'ready')
    expect(await redis.run(COUNT, ['lazy'], [1])).toBe(1)
  })
})
