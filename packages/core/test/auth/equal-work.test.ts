import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import * as crypto from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ApiKeyLookup, ApiKeyRecord } from '../../src/auth/api-key-record.js'
import type { Scheme } from '../../src/auth/scheme.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

/** Every digest and comparison, by what it is and how much it takes. Not its time: that says little here. */
const work: string[] = []

jest.unstable_mockModule('node:crypto', () => ({
  ...crypto,
  hash(algorithm: string, data: string, encoding: crypto.BinaryToTextEncoding) {
    work.push(`${algorithm} of ${data.length}`)
    return crypto.hash(algorithm, data, encoding)
  },
  timingSafeEqual(one: Buffer, other: Buffer) {
    work.push(`compare ${one.length} with ${other.length}`)
    return crypto.timingSafeEqual(one, other)
  },
}))

const { apiKey } = await import('../../src/auth/api-key.js')
const { createApiKey } = await import('../../src/auth/api-key-form.js')
const { authenticate } = await import('../../src/auth/authenticate.js')
const { introspection } = await import('../../src/auth/introspection/introspection.js')

beforeEach(() => void work.splice(0))

/** A key of somebody, that key with another secret, and a key of nobody. */
function keys(lookupOf: (record: ApiKeyRecord) => ApiKeyLookup) {
  const { key, keyId, digest } = createApiKey('hg')
  const record: ApiKeyRecord = { digest, keyId, subject: 'bot', disabledAt: 1 }
  const lookups: string[] = []
  const find = lookupOf(record)
  const lookup: ApiKeyLookup = (query) => {
    lookups.push(`${query.digest.length} ${query.id?.length}`)
    return find(query)
  }
  return { good: key, wrong: guessAt(keyId), unknown: createApiKey('hg').key, lookup, lookups }
}
const byId = (record: ApiKeyRecord): ApiKeyLookup => {
  return ({ id }) => (id === record.keyId ? record : undefined)
}
const byDigest = (record: ApiKeyRecord): ApiKeyLookup => {
  return ({ digest }) => (digest === record.digest ? record : undefined)
}
const later = (find: typeof byId) => (record: ApiKeyRecord) => {
  const lookup = find(record)
  return async (query: Parameters<ApiKeyLookup>[0]) => lookup(query)
}

describe('an API key', () => {
  test.each([
    ['found by id', byId],
    ['found by digest', byDigest],
    ['found by id, later', later(byId)],
    ['found by digest, later', later(byDigest)],
  ])('that is wrong or unknown takes the same work and gets the same answer, %s', async (_, lookupOf) => {
    const { good, wrong, unknown, lookup, lookups } = keys(lookupOf)
    const policy = authenticate([apiKey({ lookup, prefix: 'hg', clock: new ManualClock() })])
    const once = async (key: string) => {
      work.length = 0
      lookups.length = 0
      const exchange = literalExchange({ headers: { 'x-api-key': key } })
      const reply = await policy.handle(exchange, () => Promise.reject(new Error('passed')))
      return { reply, events: exchange.events, work: [...work], lookups: [...lookups] }
    }
    const first = [await once(wrong), await once(unknown)]
    expect(first[0]).toEqual(first[1])
    expect(first[0]?.work.filter((one) => one.startsWith('compare'))).toEqual(['compare 64 with 64'])
    expect(first[0]?.lookups).toHaveLength(1)
    // Remembered ones too.
    const second = [await once(wrong), await once(unknown)]
    expect(second[0]).toEqual(second[1])
    // A disabled key says so to its owner only.
    expect(await once(good)).not.toMatchObject({ reply: first[0]?.reply })
  })
})

/** A key of that id as anybody can make it: the checksum is no secret. */
function guessAt(keyId: string): string {
  const body = `hg_${keyId}_${crypto.randomBytes(16).toString('hex')}`
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let rest = crc32(body)
  let checksum = ''
  for (let position = 0; position < 6; position++) {
    checksum = `${digits[rest % 62]}${checksum}`
    rest = Math.floor(rest / 62)
  }
  return body + checksum
}

test('an opaque token that its server does not know, or knows as ended, takes one question and one answer', async () => {
  const asked: string[] = []
  const scheme: Scheme = introspection({
    endpoint: 'https://idp.example/introspect',
    client: { id: 'gate', secret: 'secret' },
    audience: false,
    clock: new ManualClock(),
    fetch: async (_, { body }) => {
      asked.push(body)
      return Response.json({ active: false })
    },
  })
  const once = async (token: string) => {
    work.length = 0
    asked.length = 0
    const verdict = await scheme.verify(token, literalExchange())
    return { verdict, work: [...work], questions: asked.length }
  }
  for (const round of [1, 0]) {
    const [unknown, ended] = [await once('unknown-token-1'), await once('ended---token-2')]
    expect(unknown).toEqual(ended)
    expect(unknown.questions).toBe(round)
  }
})
