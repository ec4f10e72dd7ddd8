import { describe, expect, test } from '@jest/globals'
import { apiKey, type ApiKeyOptions, type ApiKeyScheme } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../../src/auth/api-key-memory.js'
import type { ApiKeyRecord } from '../../src/auth/api-key-record.js'
import type { Verdict } from '../../src/auth/scheme.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const KEY = 'hg_k1_0123456789abcdef0123456789abcdef'
const JUNK = 'hg_k2_0123456789abcdef0123456789abcdef'
const DIGEST = apiKeyDigest(KEY)

describe('a remembered answer', () => {
  test('spares the lookup until its time is over', async () => {
    const { scheme, table, clock } = open()
    expect(await ask(scheme)).toBe('accepted')
    await clock.advance(29_999)
    table.records.clear()
    expect(await ask(scheme)).toBe('accepted')
    expect(table.lookups).toBe(1)
    await clock.advance(1)
    expect(await ask(scheme)).toBe('unknown-key')
  })

  test('still ends with the key itself', async () => {
    const { scheme, table, clock } = open()
    table.records.set(DIGEST, { ...RECORD, expiresAt: clock.now() + 10 })
    expect(await ask(scheme)).toBe('accepted')
    await clock.advance(10)
    expect(await ask(scheme)).toBe('expired')
  })

  test('is dropped when the scheme is told', async () => {
    for (const digest of [DIGEST, undefined]) {
      const { scheme, table } = open()
      expect(await ask(scheme)).toBe('accepted')
      table.records.clear()
      scheme.forget(digest)
      expect(await ask(scheme)).toBe('unknown-key')
    }
  })

  test('is not kept when it was asked for before the change and came after it', async () => {
    for (const digest of [DIGEST, undefined]) {
      const { scheme, table } = open()
      const late = ask(scheme)
      table.records.clear()
      scheme.forget(digest)
      expect(await late).toBe('accepted')
      expect(await ask(scheme)).toBe('unknown-key')
    }
  })

  test('does not live longer because the clock stepped back', async () => {
    const { scheme, table, clock } = open()
    expect(await ask(scheme)).toBe('accepted')
    table.records.clear()
    clock.step(clock.now() - 3_600_000)
    expect(await ask(scheme)).toBe('unknown-key')
    await clock.advance(3_600_000)
    expect(await ask(scheme)).toBe('unknown-key')
  })

  test('of an unknown key is short, and a flood of them pushes out no good one', async () => {
    const { scheme, table, clock } = open()
    expect(await ask(scheme)).toBe('accepted')
    for (let index = 0; index < 2_000; index++) await ask(scheme, `${JUNK}${index}`)
    const lookups = table.lookups
    expect(await ask(scheme)).toBe('accepted')
    expect(await ask(scheme, `${JUNK}1999`)).toBe('unknown-key')
    expect(table.lookups).toBe(lookups)
    table.records.set(apiKeyDigest(JUNK + 1999), { ...RECORD, digest: apiKeyDigest(JUNK + 1999) })
    await clock.advance(5_000)
    expect(await ask(scheme, `${JUNK}1999`)).toBe('accepted')
  })
})

test('guesses at the secret of a known id push out no good key', async () => {
  let lookups = 0
  const lookup = (): ApiKeyRecord => {
    lookups += 1
    return RECORD
  }
  const scheme = apiKey({ lookup, clock: new ManualClock(), cache: { ttl: '30s', maxEntries: 2 } })
  expect(await ask(scheme)).toBe('accepted')
  for (let guess = 0; guess < 10; guess++) expect(await ask(scheme, `${KEY}${guess}`)).toBe('unknown-key')
  expect(lookups).toBe(11)
  expect(await ask(scheme)).toBe('accepted')
  expect(lookups).toBe(11)
})

test('a faulty record is not remembered', async () => {
  let record: ApiKeyRecord = { ...RECORD, subject: '' }
  const scheme = apiKey({ lookup: () => record, clock: new ManualClock(), ...BRIEFLY })
  await expect(ask(scheme)).rejects.toThrow(/subject must be/)
  record = RECORD
  expect(await ask(scheme)).toBe('accepted')
})

test('requests with one key at the same time share a lookup; a failed one is not remembered', async () => {
  const { scheme, table } = open()
  table.fail = true
  const failed = await Promise.allSettled([1, 2, 3].map(() => ask(scheme)))
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(table.lookups).toBe(1)
  table.fail = false
  expect(await Promise.all([1, 2, 3].map(() => ask(scheme)))).toEqual(['accepted', 'accepted', 'accepted'])
  expect(table.lookups).toBe(2)
})

test('the cache is bounded in time and number, by options that are checked', () => {
  expect(() => apiKey({ lookup: nobody, cache: { ttl: '61s', maxEntries: 1 } })).toThrow(/cache\.ttl/)
  expect(() => apiKey({ lookup: nobody, cache: { ttl: '1s', maxEntries: 0 } })).toThrow(/cache\.maxEntries/)
  expect(() => apiKey({ lookup: nobody, cache: { maxStale: '61m' } })).toThrow(/cache\.maxStale/)
  expect(() => apiKey({ lookup: nobody, cache: { maxStale: 0 } })).toThrow(/cache\.maxStale/)
  expect(() => apiKey({ lookup: nobody, cache: { most: 1 } as never })).toThrow(/most/)
  expect(() => apiKey({ lookup: nobody, cache: false as never })).toThrow(/cache/)
})

test('a lookup that hangs is not joined after its deadline', async () => {
  const clock = new ManualClock()
  let lookups = 0
  const lookup = (): Promise<ApiKeyRecord> => {
    lookups += 1
    return lookups === 1 ? new Promise(() => {}) : Promise.resolve(RECORD)
  }
  const scheme = apiKey({ lookup, clock, cache: { ttl: '30s', maxEntries: 100 } })
  const hung = ask(scheme)
  await clock.advance(250)
  expect(await hung).toBe('undecided')
  expect(await ask(scheme)).toBe('accepted')
})

describe('while lookups fail', () => {
  const bridging = { cache: { ttl: '30s', maxEntries: 100, maxStale: '1m' } } as const

  test('a key that was found is taken for as long as it was said, and no longer', async () => {
    const { scheme, table, clock } = open(bridging)
    expect(await ask(scheme)).toBe('accepted')
    table.fail = true
    await clock.advance(89_999)
    expect(await ask(scheme)).toBe('accepted')
    await clock.advance(1)
    await expect(ask(scheme)).rejects.toThrow('away')
    await expect(ask(scheme, JUNK)).rejects.toThrow('away')
  })

  test('unless nothing was said', async () => {
    const { scheme, table, clock } = open()
    expect(await ask(scheme)).toBe('accepted')
    table.fail = true
    await clock.advance(30_000)
    await expect(ask(scheme)).rejects.toThrow('away')
  })

  test('its own end counts, and what was forgotten is gone', async () => {
    const { scheme, table, clock } = open(bridging)
    table.records.set(DIGEST, { ...RECORD, expiresAt: clock.now() + 40_000 })
    expect(await ask(scheme)).toBe('accepted')
    table.fail = true
    await clock.advance(40_000)
    expect(await ask(scheme)).toBe('expired')
    scheme.forget(DIGEST)
    await expect(ask(scheme)).rejects.toThrow('away')
  })

  test('what was found to be gone since then stays gone', async () => {
    const { scheme, table, clock } = open(bridging)
    expect(await ask(scheme)).toBe('accepted')
    await clock.advance(30_000)
    table.records.clear()
    expect(await ask(scheme)).toBe('unknown-key')
    table.fail = true
    await clock.advance(5_000)
    await expect(ask(scheme)).rejects.toThrow('away')
  })
})

test('a lookup that took long does not undo what a later one found', async () => {
  const clock = new ManualClock()
  const answers: ((record: ApiKeyRecord | undefined) => void)[] = []
  const lookup = (): Promise<ApiKeyRecord | undefined> => new Promise((resolve) => answers.push(resolve))
  const scheme = apiKey({ lookup, clock })
  const slow = ask(scheme)
  await clock.advance(250)
  expect(await slow).toBe('undecided')
  const quick = ask(scheme)
  answers[1]?.({ ...RECORD, disabledAt: 1 })
  expect(await quick).toBe('revoked')
  answers[0]?.(RECORD)
  await new Promise((resolve) => setImmediate(resolve))
  expect(await ask(scheme)).toBe('revoked')
})

describe('when nothing is said', () => {
  test('answers that come later are remembered for 30 s, those at once are not', async () => {
    const later = open({})
    await ask(later.scheme)
    later.table.records.clear()
    await later.clock.advance(29_999)
    expect(await ask(later.scheme)).toBe('accepted')
    await later.clock.advance(1)
    expect(await ask(later.scheme)).toBe('unknown-key')

    const records = new Map([[DIGEST, RECORD]])
    const atOnce = apiKey({ lookup: ({ digest }) => records.get(digest), clock: new ManualClock() })
    expect(await ask(atOnce)).toBe('accepted')
    records.clear()
    expect(await ask(atOnce)).toBe('unknown-key')
  })

  test('and with `off` none are', async () => {
    const { scheme, table } = open({ cache: 'off' })
    await ask(scheme)
    table.records.clear()
    expect(await ask(scheme)).toBe('unknown-key')
    expect(table.lookups).toBe(2)
  })
})

describe('what a hit costs', () => {
  test('one identity for all requests of a key whose record stays, and no timer', async () => {
    const clock = new ManualClock()
    const { scheme, clock: remembering } = open()
    for (const [one, timers] of [
      [apiKey({ lookup: memoryApiKeys([RECORD]), clock }), clock],
      [scheme, remembering],
    ] as const) {
      const first = await one.verify(KEY, literalExchange())
      const second = one.verify(KEY, literalExchange())
      expect(second).toBe(first)
      expect(timers.pending).toBe(0)
    }
  })

  test('a record that is changed in place is read anew, and one that was remembered is not touched by it', async () => {
    const scopes = ['read']
    const record = { ...RECORD, scopes }
    const plain = apiKey({ lookup: () => record, clock: new ManualClock() })
    const remembering = apiKey({ lookup: async () => record, clock: new ManualClock() })
    expect(await scopesOf(plain)).toEqual(['read'])
    expect(await scopesOf(remembering)).toEqual(['read'])
    scopes.push('write')
    expect(await scopesOf(plain)).toEqual(['read', 'write'])
    expect(await scopesOf(remembering)).toEqual(['read'])
    record.subject = 'other'
    expect(await plain.verify(KEY, literalExchange())).toMatchObject({ identity: { subject: 'other' } })
  })

  test('the times of a record that stays are still asked', async () => {
    const clock = new ManualClock(1_000)
    const lookup = memoryApiKeys([{ ...RECORD, expiresAt: 2_000 }])
    const scheme = apiKey({ lookup, clock })
    expect(await ask(scheme)).toBe('accepted')
    clock.step(2_000)
    expect(await ask(scheme)).toBe('expired')
  })
})

async function scopesOf(scheme: ApiKeyScheme): Promise<readonly string[]> {
  const verdict = await scheme.verify(KEY, literalExchange())
  return verdict.verdict === 'accepted' ? verdict.identity.scopes : []
}

function nobody(): undefined {}

const RECORD: ApiKeyRecord = { digest: DIGEST, keyId: 'k1', subject: 'bot' }

interface Table {
  readonly records: Map<string, ApiKeyRecord>
  lookups: number
  fail: boolean
}

const BRIEFLY = { cache: { ttl: '30s', maxEntries: 100 } } as const

function open(options: Pick<ApiKeyOptions, 'cache'> = BRIEFLY): {
  scheme: ApiKeyScheme
  table: Table
  clock: ManualClock
} {
  const clock = new ManualClock()
  const table: Table = { records: new Map([[DIGEST, RECORD]]), lookups: 0, fail: false }
  const lookup = async ({ digest }: { digest: string }): Promise<ApiKeyRecord | undefined> => {
    table.lookups += 1
    const record = table.records.get(digest)
    await Promise.resolve()
    if (table.fail) throw new Error('away')
    return record
  }
  return { scheme: apiKey({ lookup, clock, ...options }), table, clock }
}

async function ask(scheme: ApiKeyScheme, key: string = KEY): Promise<string> {
  const verdict: Verdict = await scheme.verify(key, literalExchange())
  return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
}
