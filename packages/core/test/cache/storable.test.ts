import { describe, expect, test } from '@jest/globals'
import { checkRule } from '../../src/cache/rule.js'
import { type Asked, type Storable, storability } from '../../src/cache/storable.js'
import { formatHttpDate } from '../../src/cache/http-date.js'
import type { Fields } from '../../src/fields.js'
import type { CacheRule } from '../../src/operation.js'

const NOW = Date.UTC(2026, 0, 1)

function judge(
  headers: Fields,
  more: { status?: number; rule?: CacheRule; named?: boolean; method?: string } = {},
): ReturnType<typeof storability> {
  const { status = 200, rule = {}, named = true, method = 'GET' } = more
  const asked: Asked = { method, named, rule: checkRule(rule) }
  const answer = { kind: 'answer' as const, status, headers, body: Buffer.from('content') }
  return storability(answer, asked, { requestTime: NOW, responseTime: NOW })
}

function stored(...args: Parameters<typeof judge>): Storable {
  const how = judge(...args)
  if (typeof how === 'string') throw new Error(`not stored: ${how}`)
  return how
}

const FRESH = { 'cache-control': 'max-age=60' }

describe('an answer is not stored', () => {
  test.each<[string, Fields, Parameters<typeof judge>[1]]>([
    ['no-freshness', {}, {}],
    ['no-freshness', { etag: '"x"', 'last-modified': formatHttpDate(NOW - 1e9) }, {}],
    ['no-freshness', { 'cache-control': 'public' }, {}],
    ['no-store', { 'cache-control': 'no-store, max-age=60' }, {}],
    ['no-store', { 'cache-control': 'no-store' }, { rule: { ttl: '1m', public: true } }],
    ['no-cache', { 'cache-control': 'no-cache, max-age=60' }, {}],
    ['no-cache', { 'cache-control': 'no-cache' }, { rule: { ttl: '1m' } }],
    ['private', { 'cache-control': 'private, max-age=60' }, { named: false }],
    ['private', { 'cache-control': 'private' }, { named: false, rule: { ttl: '1m', public: true } }],
    ['set-cookie', { ...FRESH, 'set-cookie': ['a=1'] }, {}],
    ['set-cookie', { 'cache-control': 'public, max-age=60', 'set-cookie': 'a=1' }, {}],
    ['vary', { ...FRESH, vary: '*' }, {}],
    ['stale', { 'cache-control': 'max-age=0' }, {}],
    ['stale', { 'cache-control': 'max-age=-1' }, { rule: { ttl: '1m' } }],
    ['stale', { ...FRESH, age: '60' }, {}],
    ['stale', { ...FRESH, date: formatHttpDate(NOW - 60_000) }, {}],
    ['stale', { expires: '0' }, { rule: { ttl: '1m' } }],
    ['event-stream', { ...FRESH, 'content-type': 'text/event-stream; charset=utf-8' }, {}],
    ['head', FRESH, { method: 'HEAD' }],
    ['status', { 'cache-control': 'max-age=60, must-understand' }, { status: 299 }],
  ])('%s: %j %j', (reason, headers, more) => {
    expect(judge(headers, more)).toBe(reason)
  })

  test.each([100, 206, 304, 412, 416, 428, 429, 431, 511, 400, 401, 403, 500, 503, 599])(
    'with status %i, whatever it says',
    (status) => {
      expect(judge({ 'cache-control': 'public, max-age=60' }, { status, rule: { ttl: '1m' } })).toBe('status')
    },
  )

  test.each([404, 410, 302, 307, 299])('with status %i by the rule alone', (status) => {
    expect(judge({}, { status, rule: { ttl: '1m', public: true } })).toBe('no-freshness')
  })
})

describe('an answer is stored', () => {
  test.each([200, 203, 204, 299, 300, 301, 302, 307, 308, 404, 410])(
    'with status %i by its own word',
    (status) => {
      expect(stored(FRESH, { status }).lifetime).toBe(60_000)
    },
  )

  test.each([200, 203, 204, 300, 301, 308])('with status %i by the rule', (status) => {
    expect(stored({}, { status, rule: { ttl: '1m' } }).lifetime).toBe(60_000)
  })

  test('by its own word where the rule says otherwise', () => {
    expect(stored(FRESH, { rule: { ttl: '1h' } }).lifetime).toBe(60_000)
  })

  test('in spite of no-store, if must-understand is there and understood', () => {
    expect(stored({ 'cache-control': 'max-age=60, no-store, must-understand' }).lifetime).toBe(60_000)
  })

  test('without the fields that a directive names', () => {
    const how = stored({ 'cache-control': 'max-age=60, no-cache="x-a", private="X-B"' })
    expect(how.excluded).toEqual(['x-a', 'x-b'])
  })
})

describe('an answer is for everybody', () => {
  test.each<[boolean, Fields, CacheRule, boolean]>([
    [false, FRESH, {}, true],
    [false, FRESH, {}, false],
    [false, { 'cache-control': 'max-age=60, must-revalidate' }, {}, true],
    [false, { 'cache-control': 'max-age=60, public=yes' }, {}, true],
    [false, {}, { ttl: '1m' }, true],
    [false, { 'cache-control': 'private, public, max-age=60' }, { public: true }, true],
    [true, { 'cache-control': 'public, max-age=60' }, {}, true],
    [true, { 'cache-control': 's-maxage=60' }, {}, true],
    [true, FRESH, { public: true }, true],
    [true, {}, { ttl: '1m', public: true }, false],
  ])('%s: %j %j named %s', (shared, headers, rule, named) => {
    expect(stored(headers, { rule, named }).shared).toBe(shared)
  })
})

describe('the client reads', () => {
  test.each<[string | undefined, Fields, CacheRule, boolean]>([
    ['private, max-age=60', {}, { ttl: '1m' }, true],
    ['private, max-age=60', {}, { ttl: '1m' }, false],
    ['public, max-age=60', {}, { ttl: '1m', public: true }, true],
    ['must-revalidate, private, max-age=60', { 'cache-control': 'must-revalidate' }, { ttl: '1m' }, true],
    ['private, max-age=60', { 'cache-control': 'private' }, { ttl: '1m' }, true],
    ['public, max-age=60', { 'cache-control': 'public' }, { ttl: '1m' }, true],
    ['max-age=60, private', FRESH, {}, true],
    ['private', { expires: formatHttpDate(NOW + 60_000) }, {}, true],
    [undefined, FRESH, {}, false],
    [undefined, FRESH, { public: true }, true],
    [undefined, { 'cache-control': 'max-age=60, private' }, {}, true],
    [undefined, { 'cache-control': 'public, max-age=60' }, {}, true],
  ])('Cache-Control %s after %j by %j, named %s', (expected, headers, rule, named) => {
    expect(stored(headers, { rule, named }).cacheControl).toBe(expected)
  })
})

test.each<[string, unknown]>([
  ['ttl', { ttl: 0 }],
  ['ttl', { ttl: '1 minute' }],
  ['public', { public: 'yes' }],
  ['vary', { vary: 'accept' }],
  ['vary', { vary: ['a b'] }],
  ['vary', { vary: ['*'] }],
])('a rule with a wrong %s is an error', (name, rule) => {
  expect(() => checkRule(rule as CacheRule)).toThrow(name)
})
