import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { apiKey } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../../src/auth/api-key-memory.js'
import { createApiKey } from '../../src/auth/api-key-form.js'
import type { ApiKeyLookup, ApiKeyQuery, ApiKeyRecord } from '../../src/auth/api-key-record.js'
import type { Scheme, Verdict } from '../../src/auth/scheme.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const KEY = 'hg_k1_0123456789abcdef0123456789abcdef'
const RECORD: ApiKeyRecord = { digest: apiKeyDigest(KEY), keyId: 'k1', subject: 'bot', scopes: ['read'] }

describe('apiKey', () => {
  test('names the owner of a known key', async () => {
    const verdict = await ask(
      apiKey({ lookup: memoryApiKeys([{ ...RECORD, tenant: 'acme', tier: 'gold', issuedAt: 7 }]) }),
      KEY,
    )
    expect(verdict).toMatchObject({
      verdict: 'accepted',
      identity: {
        scheme: 'api-key',
        subject: 'bot',
        tenant: 'acme',
        tier: 'gold',
        issuedAt: 7,
        scopes: ['read'],
        credentialId: 'k1',
        issuer: undefined,
      },
    })
  })

  test('refuses every key that differs in one character', async () => {
    const scheme = apiKey({ lookup: memoryApiKeys([RECORD]) })
    await fc.assert(
      fc.asyncProperty(fc.nat(KEY.length - 1), fc.stringMatching(/^[!-~]$/), async (place, character) => {
        fc.pre(KEY[place] !== character)
        const other = KEY.slice(0, place) + character + KEY.slice(place + 1)
        expect(await ask(scheme, other)).toMatchObject({ verdict: 'rejected', reason: 'unknown-key' })
      }),
    )
  })

  test('never takes a record whose digest is not that of the key, even if the lookup gives it', async () => {
    const wrong = { ...RECORD, digest: apiKeyDigest('another key, of another caller') }
    expect(await ask(apiKey({ lookup: () => wrong }), KEY)).toMatchObject({ reason: 'unknown-key' })
  })

  test('takes foreign keys as they are and refuses what no key looks like, without a lookup', async () => {
    let lookups = 0
    const scheme = apiKey({
      lookup() {
        lookups += 1
        return undefined
      },
    })
    for (const key of [
      '',
      'short',
      'a'.repeat(15),
      'a'.repeat(257),
      'a key with spaces in',
      'ключ-ключ-ключ-ключ',
    ]) {
      expect(await ask(scheme, key)).toMatchObject({ reason: 'malformed' })
    }
    expect(lookups).toBe(0)
    for (const key of ['a'.repeat(16), 'a'.repeat(256), 'we!rd+/=~"\\key$-$-$']) {
      expect(await ask(scheme, key)).toMatchObject({ reason: 'unknown-key' })
    }
    expect(lookups).toBe(3)
  })

  test('gives the lookup a digest and the id of a key with the configured prefix, never the key', async () => {
    const queries: ApiKeyQuery[] = []
    const lookup: ApiKeyLookup = (query) => {
      queries.push(query)
      return undefined
    }
    const { key, keyId, digest } = createApiKey('hg_live')
    await ask(apiKey({ lookup, prefix: 'hg_live' }), key)
    await ask(apiKey({ lookup, prefix: 'other' }), key)
    await ask(apiKey({ lookup }), key)
    expect(queries).toEqual([keyId, undefined, undefined].map((id) => ({ digest, id })))
    expect(digest).toBe(createHash('sha256').update(key).digest('hex'))
    expect(JSON.stringify(queries)).not.toContain(key.slice(-38))
  })

  test('refuses a typo in a key of our own form without a lookup', async () => {
    let lookups = 0
    const lookup: ApiKeyLookup = () => {
      lookups += 1
      return undefined
    }
    const scheme = apiKey({ lookup, prefix: 'hg' })
    const { key } = createApiKey('hg')
    const digit = fc.constantFrom('0', '9', 'A', 'Z', 'a', 'z', '_', '-')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: key.length - 1 }), digit, async (place, character) => {
        fc.pre(key[place] !== character)
        const typo = key.slice(0, place) + character + key.slice(place + 1)
        expect(await ask(scheme, typo)).toMatchObject({ reason: 'malformed' })
      }),
    )
    for (const other of [key.slice(0, -1), `${key}0`, key.replace('hg_', 'hg_hg_')]) {
      expect(await ask(scheme, other)).toMatchObject({ reason: 'malformed' })
    }
    expect(lookups).toBe(0)
    expect(await ask(scheme, key)).toMatchObject({ reason: 'unknown-key' })
    expect(lookups).toBe(1)
  })

  test('honours the times of a record to the millisecond', async () => {
    const clock = new ManualClock(1_000)
    const at = (times: Partial<ApiKeyRecord>): Promise<Verdict> =>
      ask(apiKey({ lookup: () => ({ ...RECORD, ...times }), clock }), KEY)
    expect(await at({ notBefore: 1_000, expiresAt: 1_001 })).toMatchObject({ verdict: 'accepted' })
    expect(await at({ expiresAt: 1_000 })).toMatchObject({ reason: 'expired', genuine: true })
    expect(await at({ notBefore: 1_001 })).toMatchObject({ reason: 'not-yet-valid' })
    expect(await at({ disabledAt: 5_000 })).toMatchObject({ reason: 'revoked' })
  })

  test('can not decide when the lookup takes longer than its deadline', async () => {
    const clock = new ManualClock()
    const verdict = ask(apiKey({ lookup: () => new Promise(() => {}), clock }), KEY)
    await clock.advance(250)
    expect(await verdict).toMatchObject({ verdict: 'undecided' })
    expect(clock.pending).toBe(0)
  })

  test('leaves no timer behind a lookup that answers', async () => {
    const clock = new ManualClock()
    await ask(apiKey({ lookup: async () => RECORD, clock }), KEY)
    expect(clock.pending).toBe(0)
  })

  test('passes on what the lookup throws, and calls a record of the wrong shape a fault', async () => {
    await expect(ask(apiKey({ lookup: () => Promise.reject(new Error('away')) }), KEY)).rejects.toThrow(
      'away',
    )
    const wrong: readonly object[] = [
      { digest: 'x' },
      { subject: '' },
      { subject: null },
      { keyId: 7 },
      { tenant: 7 },
      { tier: '' },
      { issuedAt: '2026' },
      { scopes: 'read' },
      { scopes: [1] },
      { expiresAt: '2027-01-01' },
      { notBefore: 2_000_000_000 },
      { disabledAt: null },
    ]
    for (const member of wrong) {
      const lookup = (): ApiKeyRecord => ({ ...RECORD, ...member })
      const named = new RegExp(`^apiKey: lookup\\(\\)\\.${Object.keys(member)[0]} must be `)
      await expect(ask(apiKey({ lookup }), KEY)).rejects.toThrow(named)
    }
    await expect(ask(apiKey({ lookup: () => null as never }), KEY)).rejects.toThrow(
      /must be an API key's record/,
    )
  })

  test('checks its options by name', () => {
    const lookup = memoryApiKeys([])
    const wrong: readonly [object, RegExp][] = [
      [{}, /lookup/],
      [{ lookup, header: 'X-API-Key' }, /header/],
      [{ lookup, header: 'authorization' }, /header/],
      [{ lookup, header: 'cookie' }, /header/],
      [{ lookup, deadline: 0 }, /deadline/],
      [{ lookup, prefix: '' }, /prefix/],
      [{ lookup, prefix: 'hg_' }, /prefix/],
      [{ lookup, prefix: 'hg live' }, /prefix/],
      [{ lookup, query: 'key' }, /query/],
    ]
    for (const [options, message] of wrong) {
      expect(() => apiKey(options as never)).toThrow(message)
      expect(() => apiKey(options as never)).toThrow(TypeError)
    }
  })
})

describe('memoryApiKeys', () => {
  test('refuses records that can not work', () => {
    expect(() => memoryApiKeys([RECORD, RECORD])).toThrow(/same digest/)
    expect(() => memoryApiKeys([RECORD, { ...RECORD, expireAt: 1 } as never])).toThrow(
      /^memoryApiKeys: records\[1\]: unknown option 'expireAt'/,
    )
  })

  test('names the member that is wrong, and not what stands there: it may be the key', () => {
    expect(() => memoryApiKeys([{ ...RECORD, digest: KEY }])).toThrow(
      /^memoryApiKeys: records\[0\]\.digest must be/,
    )
    expect(() => memoryApiKeys([{ ...RECORD, digest: KEY }])).not.toThrow(KEY)
  })

  test('knows no digest that was not listed', () => {
    const lookup = memoryApiKeys([RECORD])
    expect(lookup({ digest: '__proto__', id: undefined })).toBeUndefined()
  })
})

async function ask(scheme: Scheme, key: string): Promise<Verdict> {
  return scheme.verify(key, literalExchange())
}
