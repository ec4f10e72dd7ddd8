import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  type FetchFailure,
  type JwksKeeper,
  keepKeys,
  type KeeperEvent,
} from '../../../src/auth/jwt/jwks-keeper.js'
import type { KeyRecord } from '../../../src/auth/jwt/key-record.js'
import { createKeySet, type KeySet } from '../../../src/auth/jwt/key-set.js'
import type { FoundKey } from '../../../src/auth/jwt/key-source.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

const MINUTE = 60_000
const MAX_AGE = 10 * MINUTE
const MAX_STALE = 60 * MINUTE
const COOLDOWN = 30_000
const DEADLINE = 2_000

/** An endpoint that publishes key ids, fails or hangs until its deadline. */
class Endpoint {
  readonly clock = new ManualClock()
  readonly events: KeeperEvent[] = []
  kids: readonly string[] = ['a']
  mode: 'up' | 'down' | 'hung' = 'up'
  fetches = 0

  keep(): JwksKeeper {
    return keepKeys({
      clock: this.clock,
      maxAge: MAX_AGE,
      maxStale: MAX_STALE,
      cooldown: COOLDOWN,
      load: (previous) => this.#load(previous),
      random: () => 0.5,
      report: (event) => void this.events.push(event),
    })
  }

  async #load(previous: KeySet | undefined): Promise<KeySet | FetchFailure> {
    this.fetches += 1
    if (this.mode === 'down') return 'status'
    if (this.mode === 'up') return this.#publish(previous)
    return new Promise((resolve) => this.clock.after(DEADLINE, () => resolve('deadline')))
  }

  #publish(previous: KeySet | undefined): KeySet {
    const kept = (kid: string): KeyRecord | undefined => previous?.find(kid, 'ES256')
    return createKeySet(this.kids.map((kid) => kept(kid) ?? recordOf(kid)))
  }
}

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

describe('under any schedule of rotations, outages, hangs, floods and time', () => {
  const action = fc.oneof(
    fc.record({ ask: fc.constantFrom('a', 'b', 'c', 'junk') }),
    fc.record({ wait: fc.integer({ min: 1, max: 15 * MINUTE }) }),
    fc.record({ mode: fc.constantFrom('up', 'down', 'hung') }),
    fc.record({ publish: fc.subarray(['a', 'b', 'c'], { minLength: 1 }) }),
  )

  test('removed keys end, known keys do not wait, and fetches are bounded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const { endpoint, keeper } = await loaded(['a', 'b'])
        let upSince = endpoint.clock.now()
        let publishedAt = endpoint.clock.now()
        let everLoaded: readonly string[] = endpoint.kids
        for (const step of actions) {
          const before = { fetches: endpoint.fetches, time: endpoint.clock.now() }
          if ('wait' in step) await endpoint.clock.advance(step.wait)
          if ('mode' in step) {
            if (endpoint.mode !== 'up' && step.mode === 'up') upSince = endpoint.clock.now()
            endpoint.mode = step.mode
          }
          if ('publish' in step) {
            endpoint.kids = step.publish
            publishedAt = endpoint.clock.now()
          }
          if ('ask' in step) {
            const known = keeper.find(step.ask, 'ES256')
            const [found] = await Promise.all([known, endpoint.clock.advance(DEADLINE)])
            const now = endpoint.clock.now()
            const settled =
              endpoint.mode === 'up' && now - Math.max(upSince, publishedAt) > MAX_AGE + COOLDOWN
            if (settled && !endpoint.kids.includes(step.ask)) expect(found).toBe('unknown')
            if (settled && endpoint.kids.includes(step.ask)) expect(found).toMatchObject({ kid: step.ask })
            if (settled && isRecord(found)) expect(known).toBe(found)
            if (isRecord(found)) expect(everLoaded).toContain(step.ask)
          }
          everLoaded = [...new Set([...everLoaded, ...endpoint.kids])]
          // The backoff's shortest waits come once per outage; then half a cooldown is the least.
          const elapsed = endpoint.clock.now() - before.time
          expect(endpoint.fetches - before.fetches).toBeLessThanOrEqual(8 + elapsed / (COOLDOWN / 2))
        }
        keeper.close()
        expect(endpoint.clock.pending).toBeLessThanOrEqual(1) // A hung fetch's own deadline.
      }),
      { numRuns: 60 },
    )
  })
})

async function loaded(kids: readonly string[] = ['a']): Promise<{ endpoint: Endpoint; keeper: JwksKeeper }> {
  const endpoint = new Endpoint()
  endpoint.kids = kids
  const keeper = endpoint.keep()
  await settle()
  return { endpoint, keeper }
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function recordOf(kid: string): KeyRecord {
  return { kid, algorithm: 'ES256', fingerprint: kid, key: undefined as never, retired: false }
}

function isRecord(found: FoundKey): found is KeyRecord {
  return typeof found === 'object' && 'kid' in found
}
