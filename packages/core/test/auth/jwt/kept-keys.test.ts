import { describe, expect, test } from '@jest/globals'
import type { KeyRecord } from '../../../src/auth/jwt/key-record.js'
import { createKeySet } from '../../../src/auth/jwt/key-set.js'
import { type KeptKeys, keptKeys } from '../../../src/auth/jwt/kept-keys.js'

const MAX_AGE = 1_000
const MAX_STALE = 500

function recordOf(kid: string): KeyRecord {
  return { kid, algorithm: 'ES256', fingerprint: kid, key: undefined as never, retired: false }
}

/** Keys whose fetch began at 10,000. */
function fetched(): KeptKeys {
  const keys = keptKeys(MAX_AGE, MAX_STALE)
  keys.take(createKeySet([recordOf('a')]), 10_000)
  return keys
}

describe('kept keys', () => {
  test('are away, and of no age, before the first fetch', () => {
    const keys = keptKeys(MAX_AGE, MAX_STALE)
    keys.take('network', 10_000)
    expect([keys.state(10_000), keys.age(10_000), keys.failures]).toEqual(['away', undefined, 1])
    expect(keys.find('a', 'ES256', 10_000)).toBeUndefined()
  })

  test('are stale past their age only where an attempt failed, and away past their grace', () => {
    const keys = fetched()
    expect([11_000, 11_001].map((now) => keys.state(now))).toEqual(['fresh', 'away'])
    keys.take('deadline', 11_000)
    expect([11_000, 11_001, 11_500, 11_501].map((now) => keys.state(now))).toEqual([
      'fresh',
      'stale',
      'stale',
      'away',
    ])
    expect(keys.find('a', 'ES256', 11_500)).toMatchObject({ kid: 'a' })
    expect(keys.find('a', 'ES256', 11_501)).toBeUndefined()
  })

  test('outlive no clock that stepped back by as much', () => {
    const keys = fetched()
    expect(keys.age(4_000)).toBe(0)
    expect(keys.state(5_001)).toBe('away')
  })

  test('are another generation when one of them is gone, and that one is retired', () => {
    const keys = keptKeys(MAX_AGE, MAX_STALE)
    const [a, b] = [recordOf('a'), recordOf('b')]
    keys.take(createKeySet([a]), 0)
    keys.take(createKeySet([a, b]), 0)
    expect(keys.generation).toBe(0)
    keys.take(createKeySet([b]), 0)
    expect([keys.generation, a.retired, b.retired]).toEqual([1, true, false])
  })

  test('count failures until a fetch succeeds', () => {
    const keys = fetched()
    keys.take('status', 10_100)
    keys.take('too-large', 10_200)
    expect([keys.failures, keys.lastFailure]).toEqual([2, 'too-large'])
    keys.take(createKeySet([recordOf('a')]), 10_300)
    expect([keys.failures, keys.lastFailure, keys.age(10_300)]).toEqual([0, undefined, 0])
  })
})
