import { describe, expect, test } from '@jest/globals'
import type { KeyRecord } from '../../../src/auth/jwt/key-record.js'
import { COOLDOWN, DEADLINE, Endpoint, loaded, MAX_AGE, MAX_STALE, MINUTE, settle } from './endpoint.js'

describe('keys that are known', () => {
  test('are found without waiting, whatever the endpoint does', async () => {
    const { endpoint, keeper } = await loaded()
    for (const mode of ['up', 'down', 'hung'] as const) {
      endpoint.mode = mode
      await endpoint.clock.advance(MAX_AGE)
      expect(keeper.find('a', 'ES256')).toMatchObject({ kid: 'a' })
    }
    keeper.close()
  })

  test('keep their record across refreshes; a removed one is retired and the generation rises', async () => {
    const { endpoint, keeper } = await loaded(['a', 'b'])
    const [a, b] = [keeper.find('a', 'ES256') as KeyRecord, keeper.find('b', 'ES256') as KeyRecord]
    endpoint.kids = ['b', 'a']
    await endpoint.clock.advance(MAX_AGE)
    expect(keeper.find('a', 'ES256')).toBe(a)
    expect(keeper.status()).toMatchObject({ generation: 0, keys: 2 })
    endpoint.kids = ['b']
    await endpoint.clock.advance(MAX_AGE)
    expect([a.retired, b.retired]).toEqual([true, false])
    expect(keeper.status()).toMatchObject({ generation: 1, keys: 1 })
    keeper.close()
  })

  test('are used for their grace while the endpoint fails, and not longer', async () => {
    const { endpoint, keeper } = await loaded()
    endpoint.mode = 'down'
    await endpoint.clock.advance(MAX_AGE + MAX_STALE)
    expect(keeper.isCurrent()).toBe(true)
    expect(keeper.status()).toMatchObject({ state: 'stale', lastFailure: 'status' })
    await endpoint.clock.advance(1)
    expect(keeper.isCurrent()).toBe(false)
    expect(await keeper.find('a', 'ES256')).toHaveProperty('retryAfter')
    endpoint.mode = 'up'
    await endpoint.clock.advance(COOLDOWN)
    expect(keeper.find('a', 'ES256')).toMatchObject({ kid: 'a' })
    keeper.close()
  })

  test('that grew old while the process slept wait for a refresh', async () => {
    const { endpoint, keeper } = await loaded()
    endpoint.kids = ['b']
    endpoint.clock.step(endpoint.clock.now() + MAX_AGE + 1)
    expect(keeper.isCurrent()).toBe(false)
    const found = await Promise.all([keeper.find('a', 'ES256'), keeper.find('b', 'ES256')])
    expect(found).toMatchObject(['unknown', { kid: 'b' }])
    expect(endpoint.fetches).toBe(2)

    endpoint.mode = 'down'
    endpoint.clock.step(endpoint.clock.now() + MAX_AGE + 1)
    expect(await keeper.find('b', 'ES256')).toMatchObject({ kid: 'b' })
    keeper.close()
  })
})

describe('keys that are not known', () => {
  test('are fetched once for all who ask, and then not again before the cooldown is over', async () => {
    const { endpoint, keeper } = await loaded()
    endpoint.kids = ['a', 'b']
    const found = await Promise.all(Array.from({ length: 100 }, async () => keeper.find('b', 'ES256')))
    expect(found.every((key) => (key as KeyRecord).kid === 'b')).toBe(true)
    expect(endpoint.fetches).toBe(2)

    for (let index = 0; index < 300; index++)
      expect(await keeper.find(`junk-${index}`, 'ES256')).toBe('unknown')
    expect(endpoint.fetches).toBe(2)
    await endpoint.clock.advance(COOLDOWN)
    expect(await keeper.find('junk', 'ES256')).toBe('unknown')
    expect(endpoint.fetches).toBe(3)
    keeper.close()
  })

  test('can not be decided while the last fetch failed', async () => {
    const { endpoint, keeper } = await loaded()
    endpoint.mode = 'down'
    for (let index = 0; index < 300; index++) {
      expect(await keeper.find(`junk-${index}`, 'ES256')).toHaveProperty('retryAfter')
    }
    expect(endpoint.fetches).toBe(2)
    keeper.close()
  })

  test('wait for a hung endpoint no longer than its deadline', async () => {
    const { endpoint, keeper } = await loaded()
    endpoint.mode = 'hung'
    const found = keeper.find('b', 'ES256')
    await endpoint.clock.advance(DEADLINE)
    expect(await found).toHaveProperty('retryAfter')
    keeper.close()
  })

  test('are asked for again at once when the clock stepped back', async () => {
    const { endpoint, keeper } = await loaded()
    await keeper.find('b', 'ES256')
    endpoint.kids = ['a', 'b']
    endpoint.clock.step(endpoint.clock.now() - 3_600_000)
    expect(await keeper.find('b', 'ES256')).toMatchObject({ kid: 'b' })
    keeper.close()
  })
})

describe('an endpoint that is away from the start', () => {
  test('is tried in growing waits without traffic, and the first success serves', async () => {
    const endpoint = new Endpoint()
    endpoint.mode = 'down'
    const keeper = endpoint.keep()
    await settle()
    expect(await keeper.find('a', 'ES256')).toEqual({ retryAfter: 1_000 })
    await endpoint.clock.advance(5 * MINUTE)
    // Waits of 0.5, 1, 2, 4, 8, then 15 s: half of the doubled backoff, as `random` says.
    expect(endpoint.fetches).toBeLessThanOrEqual(26)
    expect(endpoint.fetches).toBeGreaterThanOrEqual(20)
    endpoint.mode = 'up'
    await endpoint.clock.advance(COOLDOWN)
    expect(keeper.find('a', 'ES256')).toMatchObject({ kid: 'a' })
    expect(keeper.status()).toMatchObject({ state: 'fresh', lastFailure: undefined })
    keeper.close()
  })

  test('holds its first callers until the first fetch has ended', async () => {
    const endpoint = new Endpoint()
    const keeper = endpoint.keep()
    expect(keeper.status()).toMatchObject({ state: 'away', keys: 0, age: undefined })
    expect(await keeper.find('a', 'ES256')).toMatchObject({ kid: 'a' })
    expect(endpoint.fetches).toBe(1)
    keeper.close()
  })
})

describe('close', () => {
  test('ends the refreshing and leaves no timer', async () => {
    const { endpoint, keeper } = await loaded()
    keeper.close()
    expect(endpoint.clock.pending).toBe(0)
    expect(await keeper.find('b', 'ES256')).toHaveProperty('retryAfter')
    await endpoint.clock.advance(MAX_AGE + 1)
    expect(await keeper.find('a', 'ES256')).toHaveProperty('retryAfter')
    expect(endpoint.fetches).toBe(1)
  })

  test('during a fetch schedules nothing after it', async () => {
    const endpoint = new Endpoint()
    const keeper = endpoint.keep()
    keeper.close()
    await settle()
    expect(endpoint.clock.pending).toBe(0)
  })
})

test('a clock that stepped back during an outage lengthens no grace by as much', async () => {
  const { endpoint, keeper } = await loaded()
  endpoint.mode = 'down'
  await endpoint.clock.advance(MAX_AGE)
  endpoint.clock.step(endpoint.clock.now() - 24 * 60 * MINUTE)
  expect(keeper.isCurrent()).toBe(true)
  await endpoint.clock.advance(MAX_AGE + MAX_STALE + 1)
  expect(keeper.isCurrent()).toBe(false)
  keeper.close()
})

test('age counts from the request, not from the end of its answer', async () => {
  const { endpoint, keeper } = await loaded()
  endpoint.mode = 'slow'
  const found = keeper.find('b', 'ES256')
  await endpoint.clock.advance(1_000)
  await found
  expect(keeper.status()).toMatchObject({ age: 1_000, lastAttempt: 0 })
  keeper.close()
})

test('events tell each attempt, and where the state changed', async () => {
  const { endpoint, keeper } = await loaded()
  endpoint.mode = 'down'
  await endpoint.clock.advance(MAX_AGE + MAX_STALE + MINUTE)
  endpoint.mode = 'up'
  await endpoint.clock.advance(COOLDOWN)
  const turns = endpoint.events.filter(({ state, before }) => state !== before)
  expect(turns.map(({ before, state }) => `${before} -> ${state}`)).toEqual([
    'away -> fresh',
    'fresh -> stale',
    'stale -> away',
    'away -> fresh',
  ])
  keeper.close()
})
