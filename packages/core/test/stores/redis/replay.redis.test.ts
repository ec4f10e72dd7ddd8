import { describe, expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { ReplayStore } from '../../../src/auth/replay-store.js'
import { keyOf } from '../../../src/key.js'
import { guardRedis, redisReplayStore, redisStores } from '../../../src/stores/redis/index.js'
import { guardedReplayStore } from '../../../src/stores/redis/replay.js'
import { replayStoreSuite } from '../../../src/testing/replay-store-suite.js'
import { connect, PATIENT, PIPELINING } from './clients.js'

describeRedis.each(PIPELINING)('on one server, %s', (_title, pipelining) => {
  const server = useRedis()

  describe('the suite', () => {
    const suite = replayStoreSuite(async (clock, bounds) => {
      const redis = guardRedis(await connect(server().port, pipelining), PATIENT)
      return guardedReplayStore(redis, { prefix: 'suite:', now: () => clock.now(), ...bounds })
    })
    test.each([...suite])('$name', (one) => one.run())
  })

  test('one bound of ids of a source holds in the store alone and among all stores', async () => {
    const client = await connect(server().port)
    const stores = [
      redisReplayStore(client, { ...PATIENT, prefix: 'alone:', maxEntriesPerSource: 2 }),
      redisStores(client, { ...PATIENT, prefix: 'among:', maxEntriesPerSource: 2 }).replay,
    ]
    for (const store of stores) {
      const said = []
      for (const id of ['a', 'b', 'c']) said.push(await store.remember(id, 'source', 60_000))
      expect(said).toEqual(['fresh', 'fresh', 'full'])
    }
  })

  test('of many at once in several processes one is fresh, though the server forgets the script', async () => {
    const stores: ReplayStore[] = []
    for (let count = 0; count < 4; count += 1) {
      stores.push(redisStores(await connect(server().port, pipelining), PATIENT).replay)
    }
    const all: Promise<string>[] = []
    for (let round = 0; round < 20; round += 1) {
      for (const store of stores) {
        all.push((async () => store.remember(keyOf('id'), keyOf('several'), 60_000))())
      }
      if (round % 5 === 0) await server().flushScripts()
    }
    expect((await Promise.all(all)).filter((one) => one !== 'seen')).toEqual(['fresh'])
  })
})

describeRedis('what is on the server', () => {
  const server = useRedis()
  const open = async (options = {}) =>
    redisReplayStore(await connect(server().port), { ...PATIENT, ...options })
  const keys = async (pattern: string) => (await server().command('KEYS', pattern)) as readonly string[]

  test('every key has the prefix, the source as its tag, and ends with its last id', async () => {
    const store = await open({ prefix: 'mine:' })
    await store.remember(keyOf('one'), keyOf('ann'), 60_000)
    await store.remember(keyOf('two'), keyOf('ann'), 5_000)
    await store.remember(keyOf('one'), keyOf('bob'), 30_000)
    const [ann, bob] = [`mine:replay:{${keyOf('ann')}}`, `mine:replay:{${keyOf('bob')}}`]
    expect((await keys('*')).toSorted()).toEqual([ann, bob].toSorted())
    for (const [key, most] of [
      [ann, 60_000],
      [bob, 30_000],
    ] as const) {
      const left = Number(await server().command('PTTL', key))
      expect(left).toBeGreaterThan(most - 5_000)
      expect(left).toBeLessThanOrEqual(most)
    }
    expect(await server().command('ZRANGE', ann, '0', '-1')).toEqual([keyOf('two'), keyOf('one')])
  })

  test('the time is the server\u2019s: a short one ends there', async () => {
    const store = await open()
    const remember = async () => store.remember(keyOf('short'), keyOf('cyd'), 20)
    expect(await remember()).toBe('fresh')
    await poll('the end of it', async () => (await remember()) === 'fresh')
  })

  test('what has ended is cleared away by what comes, a few at a time', async () => {
    let now = 1_000_000
    const redis = guardRedis(await connect(server().port), PATIENT)
    const store = guardedReplayStore(redis, { prefix: 'swept:', now: () => now })
    for (let id = 0; id < 40; id += 1) await store.remember(keyOf(id), keyOf('dan'), 1_000)
    const size = async () => Number(await server().command('ZCARD', `swept:replay:{${keyOf('dan')}}`))
    expect(await size()).toBe(40)
    now += 1_000
    await store.remember(keyOf('a'), keyOf('dan'), 1_000)
    expect(await size()).toBe(25)
    await store.remember(keyOf('b'), keyOf('dan'), 1_000)
    await store.remember(keyOf('c'), keyOf('dan'), 1_000)
    expect(await size()).toBe(3)
  })

  test('a key that somebody else wrote gives no answer, and not a fresh one', async () => {
    const store = await open({ prefix: 'broken:' })
    await server().command('SET', `broken:replay:{${keyOf('eve')}}`, 'text')
    await expect((async () => store.remember(keyOf('x'), keyOf('eve'), 1_000))()).rejects.toMatchObject({
      code: 'store-unavailable',
      kind: 'WRONGTYPE',
    })
  })
})

describeRedis('when the server', () => {
  const server = useRedis()

  test('hangs or is gone, there is no answer, by the deadline', async () => {
    const client = await connect(server().port)
    const { replay } = redisStores(client, { deadline: '200ms', cooldown: '50ms', random: () => 0 })
    const remember = async (id: string, by = replay) => by.remember(keyOf(id), keyOf('ann'), 60_000)
    expect(await remember('before', redisStores(client, PATIENT).replay)).toBe('fresh')
    server().pause()
    await expect(remember('during')).rejects.toMatchObject({ reason: 'deadline' })
    server().resume()
    await poll('an answer', () =>
      remember('before')
        .then((one) => one === 'seen')
        .catch(() => false),
    )
    await server().kill()
    await expect(remember('after')).rejects.toMatchObject({ code: 'store-unavailable' })
  })
})

describe.each([
  ['redisReplayStore', redisReplayStore],
  ['redisStores', redisStores],
] as const)('%s', (name, make) => {
  test.each([
    [{ maxEntriesPerSource: 0 }, `${name}: maxEntriesPerSource`],
    [{ prefix: 'a{b}' }, `${name}: prefix`],
    [{ max: 5 } as never, `${name}: unknown option 'max'`],
  ])('%j is a TypeError that names the option', (options, message) => {
    const client = {
      status: 'wait',
      options: {},
      connect() {},
      evalsha() {},
      eval() {},
      evalshaBuffer() {},
      evalBuffer() {},
    }
    expect(() => make(client as never, options)).toThrow(message)
  })
})

test('an answer that the script does not give is an error', async () => {
  for (const reply of ['3', null, [], 'OK', undefined]) {
    const store = guardedReplayStore({ run: async () => reply }, { prefix: '' })
    await expect((async () => store.remember('id', 'source', 1))()).rejects.toThrow(TypeError)
  }
})
