import { describe, expect, test } from '@jest/globals'
import { inspect } from 'node:util'
import { guardRedis, type RedisGuardOptions, type RedisLike } from '../../../src/stores/redis/index.js'
import { FakeClient, type PromiseWithResolvers, replyError, SCRIPT, setUp, settled } from './fake-client.js'

function faulty(): never {
  throw new Error('no counter for this event')
}

describe('guardRedis', () => {
  test('gives the reply, and leaves no timer', async () => {
    const { client, clock, run } = setUp()
    const call = run()
    client.sent[0]?.reply.resolve([1, 2])
    expect(await call).toEqual([1, 2])
    expect(clock.pending).toBe(0)
    expect(client.sent[0]?.words).toEqual([SCRIPT.sha, 1, '{tag}:a'])
  })

  test('answers at the deadline when the server does not, and what comes later is dropped', async () => {
    const { client, clock, run } = setUp({ deadline: '50ms' })
    const [first, second] = [run().catch((error: unknown) => error), run().catch((error: unknown) => error)]
    let isSettled = false
    void first.then(() => (isSettled = true))
    await clock.advance(49)
    expect(isSettled).toBe(false)
    await clock.advance(1)
    expect(await first).toMatchObject({ name: 'StoreUnavailable', reason: 'deadline', mayHaveApplied: true })
    await second
    client.sent[0]?.reply.resolve('late')
    client.sent[1]?.reply.reject(new Error('late, and not to be an unhandled rejection'))
    await settled()
  })

  test('an observer that throws changes nothing: the breaker opens and closes', async () => {
    const { client, clock, run } = setUp({ failures: 1, cooldown: 1_000, onEvent: faulty })
    const late = run().catch((error: unknown) => error)
    await clock.advance(50)
    expect(await late).toMatchObject({ reason: 'deadline' })
    await expect(run()).rejects.toMatchObject({ reason: 'breaker-open' })
    await clock.advance(1_000)
    for (const reply of ['tried', 'again']) {
      const call = run()
      client.sent.at(-1)?.reply.resolve(reply)
      expect(await call).toBe(reply)
    }
  })

  test('takes an answer that is there when the deadline is noticed', async () => {
    const { client, clock, events, run } = setUp({ failures: 1 })
    const call = run()
    const advanced = clock.advance(50)
    client.sent[0]?.reply.resolve('in time')
    await advanced
    expect(await call).toBe('in time')
    expect(events.filter(({ type }) => type === 'redis.breaker')).toEqual([])
  })

  test('a call without an answer counts once as a failure, whatever comes late', async () => {
    const { client, clock, run } = setUp({ failures: 3 })
    const miss = async (late: (reply: PromiseWithResolvers<unknown>) => void) => {
      const call = run().catch((error: unknown) => error)
      await clock.advance(50)
      expect(await call).toMatchObject({ reason: 'deadline' })
      const sent = client.sent.at(-1)
      if (sent !== undefined) late(sent.reply)
      await settled()
    }
    await miss((reply) => reply.reject(new Error('late')))
    await miss((reply) => reply.resolve('late'))
    await miss(() => undefined)
    await expect(run()).rejects.toMatchObject({ reason: 'breaker-open' })
    expect(client.sent).toHaveLength(3)
  })

  test('sends a script in full when the server does not know it', async () => {
    const { client, run } = setUp()
    const call = run()
    client.sent[0]?.reply.reject(replyError('NOSCRIPT No matching script.'))
    await settled()
    expect(client.sent[1]).toMatchObject({ command: 'eval', words: ['return 1', 1, '{tag}:a'] })
    client.sent[1]?.reply.resolve(1)
    expect(await call).toBe(1)
  })

  test('does not send a script in full when nobody waits for it any more', async () => {
    const { client, clock, run } = setUp()
    const call = run().catch((error: unknown) => error)
    await clock.advance(50)
    expect(await call).toMatchObject({ reason: 'deadline' })
    client.sent[0]?.reply.reject(replyError('NOSCRIPT No matching script.'))
    await settled()
    expect(client.sent).toHaveLength(1)
  })

  test('sends nothing over a connection that has ended, though the client is ready all the same', async () => {
    const { client, run, events } = setUp({ failures: 1 })
    client.stream.writable = false
    await expect(run()).rejects.toMatchObject({ reason: 'not-ready', mayHaveApplied: false })
    expect(client.sent).toEqual([])
    // Nor is it a failure of the server.
    expect(events.filter(({ type }) => type === 'redis.breaker')).toEqual([])
  })

  test.each(['connecting', 'connect', 'reconnecting', 'close', 'end', 'disconnecting'])(
    'sends nothing while the client is %s: it would wait in the offline queue',
    async (status) => {
      const { client, run } = setUp()
      client.status = status
      await expect(run()).rejects.toMatchObject({ reason: 'not-ready', mayHaveApplied: false })
      expect(client.sent).toEqual([])
      expect(client.connects).toBe(0)
    },
  )

  test('connects a lazy client, once, and does not wait for it', async () => {
    const { client, run } = setUp()
    client.status = 'wait'
    await expect(run()).rejects.toMatchObject({ reason: 'not-ready' })
    await expect(run()).rejects.toMatchObject({ reason: 'not-ready' })
    expect(client.connects).toBe(1)
    expect(client.sent).toEqual([])
  })

  test('leaves a failing server alone, tries it once after the cooldown, and uses it again', async () => {
    const { client, clock, events, fail, run } = setUp({ failures: 3, cooldown: '1s' })
    for (let count = 0; count < 3; count += 1) await fail(new Error('Connection is closed.'))
    await expect(run()).rejects.toMatchObject({ reason: 'breaker-open', mayHaveApplied: false })
    expect(client.sent).toHaveLength(3)
    await clock.advance(1_000)
    const probe = run()
    await expect(run()).rejects.toMatchObject({ reason: 'breaker-open' })
    client.sent[3]?.reply.resolve('alive')
    expect(await probe).toBe('alive')
    const states = events.flatMap((event) => (event.type === 'redis.breaker' ? [event.state] : []))
    expect(states).toEqual(['open', 'half-open', 'closed'])
    void run()
    expect(client.sent).toHaveLength(5)
  })

  test('a probe that hangs ends at the deadline: the next one comes after another cooldown', async () => {
    const { client, clock, fail, run } = setUp({ failures: 1, cooldown: '1s', deadline: 50 })
    await fail(new Error('Connection is closed.'))
    await clock.advance(1_000)
    const probe = run().catch((error: unknown) => error)
    await clock.advance(50)
    expect(await probe).toMatchObject({ reason: 'deadline' })
    await clock.advance(1_000)
    void run().catch(() => undefined)
    expect(client.sent).toHaveLength(3)
  })

  test('one bad key does not close the store to everybody: only a server that serves nobody counts', async () => {
    const { fail, run } = setUp({ failures: 2 })
    for (let count = 0; count < 5; count += 1) {
      expect(await fail(replyError('WRONGTYPE Operation against a key'))).toMatchObject({ kind: 'WRONGTYPE' })
    }
    await fail(replyError('OOM command not allowed'))
    await fail(replyError('READONLY You can not write'))
    await expect(run()).rejects.toMatchObject({ reason: 'breaker-open' })
  })

  test('an error says its kind, and nothing of the command', async () => {
    const { fail } = setUp()
    const error = await fail(
      replyError("ERR unknown command 'x', with args beginning with: 'secret-argument'"),
    )
    expect(error).toMatchObject({ reason: 'error', kind: 'ERR', mayHaveApplied: true })
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('secret')
    const reset = Object.assign(new Error('read ECONNRESET secret'), { code: 'ECONNRESET' })
    expect(await fail(reset)).toMatchObject({ kind: 'ECONNRESET' })
    expect(inspect(await fail(new Error('secret')), { depth: null })).not.toContain('secret')
  })

  test('refuses keys that a cluster would refuse, before anything is sent', () => {
    const { client, clock, redis } = setUp()
    expect(() => redis.run(SCRIPT, [])).toThrow(TypeError)
    expect(() => redis.run(SCRIPT, ['{a}:1', '{b}:1'])).toThrow('same hash tag')
    expect(() => redis.run(SCRIPT, ['a', 'b'])).toThrow('same hash tag')
    expect(() => redis.run(SCRIPT, ['{}a', '{}b'])).toThrow('same hash tag')
    expect(client.sent).toEqual([])
    expect(clock.pending).toBe(0)
    void redis.run(SCRIPT, ['x{a}:1', '{a}{b}', 'a'])
    expect(client.sent).toHaveLength(1)
  })

  test('tells at the start what the client would do late, and changes nothing about it', () => {
    const { client, events, redis } = setUp()
    const options = ['enableOfflineQueue', 'maxRetriesPerRequest', 'socketTimeout']
    expect(redis.warnings.map(({ option }) => option)).toEqual(options)
    expect(events).toEqual(redis.warnings.map((warning) => ({ type: 'redis.client-warning', ...warning })))
    expect(client.options).toEqual({})
  })

  test.each([
    [{ deadline: 0 }, 'deadline'],
    [{ failures: 1.5 }, 'failures'],
    [{ cooldown: 'soon' }, 'cooldown'],
    [{ clock: {} }, 'clock'],
    [{ random: 0.5 }, 'random'],
    [{ onEvent: 'log' }, 'onEvent'],
    [{ timeout: 50 }, "unknown option 'timeout'"],
  ])('refuses %j', (options, message) => {
    const client = new FakeClient()
    expect(() => guardRedis(client, options as RedisGuardOptions)).toThrow(message)
    expect(() => guardRedis({} as RedisLike)).toThrow('guardRedis: client')
  })
})
