import { describe, expect, test } from '@jest/globals'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { memoryApiKeys } from '../../../src/auth/api-key-memory.js'
import type { ApiKeyRecord } from '../../../src/auth/api-key-record.js'
import {
  type RedisApiKeys,
  redisApiKeys,
  type RedisStoreOptions,
  type RedisEvent,
  redisStores,
} from '../../../src/stores/redis/index.js'
import { idKey, putCommands, recordKey } from '../../../src/stores/redis/api-key-layout.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { ask, issue, schemeOf, statusOf } from './api-keys.js'
import { connect, PATIENT } from './clients.js'

const DAY = 86_400_000

describeRedis('the records of API keys', () => {
  const server = useRedis()
  const open = async (options: RedisStoreOptions = {}) =>
    redisApiKeys(await connect(server().port), { ...PATIENT, ...options })
  const serverTime = async () => {
    const [seconds] = (await server().command('TIME')) as [string]
    return Number(seconds) * 1_000
  }

  test('are found as they were put, and replaced', async () => {
    const keys = await open()
    const times = { issuedAt: 1, notBefore: 2, expiresAt: Date.UTC(2100, 0, 1) }
    const { issued, record } = issue({ tenant: 'acme', scopes: ['a'], roles: ['b'], tier: 'gold', ...times })
    expect(await keys.put(record)).toBe('stored')
    const verdict = await schemeOf(keys).verify(issued.key, {} as never)
    expect(verdict).toEqual(await schemeOf(memoryApiKeys([record])).verify(issued.key, {} as never))
    expect(verdict.verdict).toBe('accepted')
    expect(await keys.put({ ...record, scopes: [], disabledAt: 1 })).toBe('stored')
    expect(await ask(schemeOf(keys), issued)).toBe('revoked')
  })

  test('that are not there are unknown keys', async () => {
    const { issued, record } = issue()
    expect(await ask(schemeOf(await open()), issued)).toBe('unknown-key')
    await (await open({ prefix: 'elsewhere:' })).put(record)
    expect(await ask(schemeOf(await open()), issued)).toBe('unknown-key')
  })

  test('stay revoked, whatever is put or retired later', async () => {
    const keys = await open()
    const { issued, record } = issue()
    await keys.put(record)
    expect(await keys.revoke(record.keyId)).toBe(true)
    expect(await keys.put({ ...record, scopes: ['more'] })).toBe('revoked')
    expect(await keys.retire(record.keyId, '1h')).toBe(true)
    expect(await ask(schemeOf(keys), issued)).toBe('revoked')
    expect(await keys.revoke(record.keyId)).toBe(true)
    expect([await keys.revoke('nobody'), await keys.retire('nobody', 1)]).toEqual([false, false])
  })

  test('of two keys never share an id: the one that has it could no longer be revoked', async () => {
    const keys = await open()
    const { issued, record } = issue()
    const other = issue()
    await keys.put(record)
    expect(await keys.put({ ...other.record, keyId: record.keyId })).toBe('id-taken')
    expect(await ask(schemeOf(keys), other.issued)).toBe('unknown-key')
    await keys.revoke(record.keyId)
    expect(await ask(schemeOf(keys), issued)).toBe('revoked')
  })

  test('let two keys live while one is rotated, as one caller; the old one ends when it was to', async () => {
    const keys = await open()
    const clock = new ManualClock(await serverTime())
    const [old, young] = [issue(), issue()]
    await keys.put(old.record)
    await keys.put(young.record)
    expect(await keys.retire(old.record.keyId, '1h')).toBe(true)
    const scheme = schemeOf(keys, { clock })
    const callers = await Promise.all(
      [old, young].map(async ({ issued }) => scheme.verify(issued.key, {} as never)),
    )
    const [one, two] = callers.map((verdict) => verdict.verdict === 'accepted' && verdict.identity.key)
    expect(one).toBe(two)
    // Later, and put again without an end: neither lengthens what was said.
    await keys.retire(old.record.keyId, '9d')
    await keys.put(old.record)
    await clock.advance(3_590_000)
    expect(await ask(scheme, old.issued)).toBe('accepted')
    await clock.advance(11_000)
    expect([await ask(scheme, old.issued), await ask(scheme, young.issued)]).toEqual(['expired', 'accepted'])
  })

  const life = async ({ record }: { record: ApiKeyRecord }) => {
    const names = [recordKey('ttl:', record.digest), idKey('ttl:', record.keyId)]
    return Promise.all(names.map(async (name) => Number(await server().command('PTTL', name))))
  }

  test('are forgotten a day after their key ended, those without an end never', async () => {
    const keys = await open({ prefix: 'ttl:' })
    const now = await serverTime()
    const [ending, endless, retired] = [issue({ expiresAt: now + 5_000 }), issue(), issue()]
    for (const { record } of [ending, endless, retired]) await keys.put(record)
    await keys.retire(retired.record.keyId, 5_000)
    await keys.revoke(endless.record.keyId)
    for (const left of await life(ending)) {
      expect(left).toBeGreaterThan(DAY - 60_000)
      expect(left).toBeLessThanOrEqual(DAY + 6_000)
    }
    expect(await life(endless)).toEqual([-1, -1])
    const [record = 0, id] = await life(retired)
    expect(record).toBeGreaterThan(DAY - 60_000)
    expect(record).toBeLessThanOrEqual(DAY + 5_000)
    expect(id).toBe(-1)

    // A new end is taken over; an id never goes before a record that it may still have to revoke.
    await keys.put({ ...ending.record, expiresAt: now + 10 * DAY })
    for (const left of await life(ending)) expect(left).toBeGreaterThan(10 * DAY)
    await keys.put({ ...ending.record, expiresAt: now + 1_000 })
    const [shorter = 0, longer = 0] = await life(ending)
    expect(shorter).toBeLessThan(2 * DAY)
    expect(longer).toBeGreaterThan(10 * DAY)
    await keys.put(ending.record)
    await keys.put({ ...ending.record, expiresAt: undefined })
    expect(await life(ending)).toEqual([-1, -1])
  })

  test('hold no key, and stand under names that say nothing', async () => {
    const keys = await open({ prefix: 'quiet:' })
    const { issued, record } = issue({ subject: 'somebody' })
    await keys.put(record)
    await ask(schemeOf(keys), issued)
    const names = (await server().command('KEYS', 'quiet:*')) as string[]
    expect(names).toHaveLength(2)
    const dump = await Promise.all([
      server().command('HGETALL', recordKey('quiet:', record.digest)),
      server().command('GET', idKey('quiet:', record.keyId)),
    ])
    expect(JSON.stringify([names, dump])).not.toContain(issued.key.slice(-38))
    for (const text of [record.digest, record.keyId, 'somebody']) {
      expect(names.join(' ')).not.toContain(text)
    }
  })

  test('that can not be read let nobody in, are told, and are no fault of the client', async () => {
    const events: RedisEvent[] = []
    const keys = await open({ onEvent: (event) => events.push(event) })
    const { issued, record } = issue()
    const at = recordKey('headgate:', record.digest)
    const other = issue().record
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '"text"',
      JSON.stringify({ ...record, subject: '' }),
      JSON.stringify({ ...record, expires_at: 1 }),
      JSON.stringify({ ...record, expiresAt: '2030' }),
    ]) {
      events.length = 0
      await server().command('HSET', at, 'record', text)
      expect(await statusOf(schemeOf(keys), issued)).toBe(503)
      expect(events).toEqual([{ type: 'redis.record-unreadable', key: at }])
      expect(JSON.stringify(events)).not.toContain(record.digest)
    }
    await server().command('HSET', at, 'record', JSON.stringify(record), 'disabledAt', 'soon')
    expect(await statusOf(schemeOf(keys), issued)).toBe(503)
    await server().command('HSET', at, 'record', JSON.stringify(other), 'disabledAt', '1')
    expect(await statusOf(schemeOf(keys), issued)).toBe(401)
    await server().command('DEL', at)
    await server().command('SET', at, 'another type')
    events.length = 0
    expect(await statusOf(schemeOf(keys), issued)).toBe(503)
    expect(events).toEqual([{ type: 'redis.record-unreadable', key: at }])
    await server().command('DEL', at)
    await keys.put(record)
    expect(await statusOf(schemeOf(keys), issued)).toBe(200)
  })

  test('are the same for the commands that the command line prints', async () => {
    const keys = await open()
    const subject = 'O\'Brien "the \\bot" \u00e9\ud83d\ude00\n'
    const { issued, record } = issue({ subject, expiresAt: (await serverTime()) + DAY })
    for (const line of putCommands('headgate:', record)) {
      // As redis-cli reads it: words, and a text in quotes at the end.
      const [, words = '', text] = /^([^"]*?) ?("(?:[^"\\]|\\.)*")?$/s.exec(line) ?? []
      await server().command(...words.split(' '), ...(text === undefined ? [] : [JSON.parse(text) as string]))
    }
    expect(await schemeOf(keys).verify(issued.key, {} as never)).toMatchObject({ identity: { subject } })
    expect(await keys.revoke(record.keyId)).toBe(true)
    expect(await ask(schemeOf(keys), issued)).toBe('revoked')
  })
})

describeRedis('several processes', () => {
  const server = useRedis()
  const process = async (): Promise<RedisApiKeys> =>
    redisStores(await connect(server().port), { ...PATIENT }).apiKeys

  test('see a revocation at once, and after 30 s at most where it is remembered; forgetting makes it at once', async () => {
    const [here, there] = [await process(), await process()]
    const { issued, record } = issue()
    await here.put(record)
    const clock = new ManualClock()
    const remembering = schemeOf(there, { clock, cache: {} })
    const told = schemeOf(there, { clock, cache: {} })
    expect([await ask(remembering, issued), await ask(told, issued)]).toEqual(['accepted', 'accepted'])
    await here.revoke(record.keyId)
    expect(await ask(schemeOf(there), issued)).toBe('revoked')
    await clock.advance(29_999)
    expect(await ask(remembering, issued)).toBe('accepted')
    told.forget(record.digest)
    expect(await ask(told, issued)).toBe('revoked')
    await clock.advance(1)
    expect(await ask(remembering, issued)).toBe('revoked')
  })

  test('that put one id at the same time end with one key that can be revoked', async () => {
    const stores = [await process(), await process(), await process()]
    const rivals = stores.map((store) => ({ store, ...issue() }))
    const outcomes = await Promise.all(
      rivals.map(({ store, record }) => store.put({ ...record, keyId: 'rival' })),
    )
    expect(outcomes.toSorted()).toEqual(['id-taken', 'id-taken', 'stored'])
    await stores[0]?.revoke('rival')
    for (const { store, issued } of rivals) expect(await ask(schemeOf(store), issued)).not.toBe('accepted')
  })
})

describe('redisApiKeys', () => {
  test('checks its options and what it is given', async () => {
    const client = { status: 'ready', options: {} } as never
    expect(() => redisApiKeys(client)).toThrow(TypeError)
    const calls: unknown[] = []
    const run = async (...call: unknown[]): Promise<unknown> => void calls.push(call)
    const fake = { status: 'ready', options: {}, connect: run, evalsha: run, eval: run }
    const whole = { ...fake, evalshaBuffer: run, evalBuffer: run } as never
    expect(() => redisApiKeys(whole, { prefix: '{a}' })).toThrow(/redisApiKeys: prefix/)
    expect(() => redisApiKeys(whole, { ttl: 1 } as never)).toThrow(/ttl/)
    const keys = redisApiKeys(whole)
    const { record } = issue()
    await expect(keys.put({ ...record, digest: 'x' })).rejects.toThrow(/redisApiKeys: record.digest must be/)
    await expect(keys.put({ ...record, expires: 1 } as never)).rejects.toThrow(/expires/)
    await expect(keys.revoke('')).rejects.toThrow(/keyId/)
    await expect(keys.retire('k', 0)).rejects.toThrow(/after/)
    expect(calls).toEqual([])
  })
})
