import { describe, expect, test } from '@jest/globals'
import { KEYS, SCRIPT, setUp, settled } from './fake-client.js'

describe('calls that belong together', () => {
  test('take no longer than one: the call on its way fails at the deadline, and none is sent after it', async () => {
    const { client, clock, redis } = setUp({ deadline: 50 })
    const failures: unknown[] = []
    const late = (error: unknown): void => void failures.push(error)
    const work = redis.together(async ({ run }) => {
      await run(SCRIPT, KEYS)
      await run(SCRIPT, KEYS).catch(late)
      await run(SCRIPT, KEYS).catch(late)
    })
    await clock.advance(40)
    client.sent[0]?.reply.resolve(1)
    await settled()
    expect(client.sent).toHaveLength(2)
    await clock.advance(9)
    expect(failures).toEqual([])
    await clock.advance(1)
    await work
    expect(failures).toMatchObject([{ reason: 'deadline' }, { reason: 'deadline' }])
    expect(client.sent).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('wait for others, that go on by themselves, until then', async () => {
    const { client, clock, redis } = setUp({ deadline: 50 })
    const others: Promise<unknown>[] = []
    let isDone = false
    const work = redis.together(async ({ run, waitFor }) => {
      await run(SCRIPT, KEYS)
      others.push(redis.run(SCRIPT, KEYS))
      await waitFor(Promise.all(others))
      isDone = true
    })
    await clock.advance(40)
    client.sent[0]?.reply.resolve(1)
    await settled()
    expect(isDone).toBe(false)
    await clock.advance(10)
    await work
    expect(isDone).toBe(true)
    client.sent[1]?.reply.resolve('in its own time')
    expect(await Promise.all(others)).toEqual(['in its own time'])
  })

  test('give what they give, also an error, and leave no timer', async () => {
    const { client, clock, redis } = setUp()
    const call = redis.together(({ run }) => run(SCRIPT, KEYS))
    client.sent[0]?.reply.resolve('reply')
    expect(await call).toBe('reply')
    await expect(redis.together(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await redis.together(({ waitFor }) => waitFor(Promise.reject(new Error('none of it'))))
    expect(clock.pending).toBe(0)
  })

  test('that are cut short count as failures of the server', async () => {
    const { client, clock, redis, run } = setUp({ failures: 1 })
    const work = redis.together(async (calls) => {
      await calls.run(SCRIPT, KEYS)
      await calls.run(SCRIPT, KEYS)
    })
    const caught = work.catch((error: unknown) => error)
    client.sent[0]?.reply.resolve(1)
    await settled()
    await clock.advance(50)
    expect(await caught).toMatchObject({ reason: 'deadline' })
    await expect(run()).rejects.toMatchObject({ reason: 'breaker-open' })
  })

  test('that nobody waits for any more end at their deadline all the same: else a probe would never end', async () => {
    const { client, clock, redis, run, events } = setUp({ failures: 1, cooldown: 1_000 })
    const first = run().catch((error: unknown) => error)
    await clock.advance(50)
    expect(await first).toMatchObject({ reason: 'deadline' })
    await clock.advance(1_000)
    // The first call tries whether the server is back; the second is refused at once, and that is the end of the work.
    const work = redis.together((calls) => Promise.all([calls.run(SCRIPT, KEYS), calls.run(SCRIPT, KEYS)]))
    await expect(work).rejects.toMatchObject({ reason: 'breaker-open' })
    await clock.advance(50)
    const states = events.flatMap((event) => (event.type === 'redis.breaker' ? [event.state] : []))
    expect(states).toEqual(['open', 'half-open', 'open'])
    await clock.advance(1_000)
    const probe = run()
    client.sent.at(-1)?.reply.resolve('back')
    expect(await probe).toBe('back')
    expect(clock.pending).toBe(0)
  })
})
