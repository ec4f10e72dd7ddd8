import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseList } from 'structured-headers'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { joinFields, policyField, stateField, TOKEN, wholeSeconds } from '../../src/rate-limit/fields.js'

const name = fc
  .string({
    unit: fc.constantFrom(...'AZaz09*!#$%&\'+-.^_`|~:/" \\;,'.split('')),
    minLength: 1,
    maxLength: 20,
  })
  .filter((text) => TOKEN.test(text))
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 })
const largest = 999_999_999_999_999

describe('RateLimit-Policy', () => {
  test('names each quota, its limit and its window in whole seconds', () => {
    const field = policyField([
      { name: 'burst', limit: 100, window: 60_000 },
      { name: 'daily', limit: 1_000, window: 86_400_000 },
      { name: 'fine', limit: 5, window: 1_500 },
    ])
    expect(field).toBe('"burst";q=100;w=60, "daily";q=1000;w=86400, "fine";q=5')
  })

  test('is a list of strings with integers (RFC 9651) for any quotas', () => {
    const number = fc.integer({ min: 1, max: largest })
    fc.assert(
      fc.property(names, number, number, (all, limit, window) => {
        const items = parseList(policyField(all.map((one) => ({ name: one, limit, window }))))
        expect(items.map(([item]) => item)).toEqual(all)
        for (const [, parameters] of items) {
          expect(parameters.get('q')).toBe(limit)
          expect(parameters.get('w')).toBe(window % 1_000 === 0 ? window / 1_000 : undefined)
        }
      }),
    )
  })
})

describe('RateLimit', () => {
  test('says what is left and when more is there', () => {
    const states = [
      { remaining: 50, renewal: 600_000, wait: 0 },
      { remaining: 900, renewal: 86_400_000, wait: 0 },
      { remaining: 7, renewal: 0, wait: 0 },
    ]
    expect(stateField(['burst', 'daily', 'full'], states)).toBe(
      '"burst";r=50;t=1, "daily";r=900;t=87, "full";r=7',
    )
  })

  test('of a denied request says when it fits, and nothing about the quotas that had room', () => {
    const states = [
      { remaining: 0, renewal: 100_000, wait: 2_000_001 },
      { remaining: 900, renewal: 86_400_000, wait: 0 },
    ]
    expect(stateField(['burst', 'daily'], states)).toBe('"burst";r=0;t=3, "daily";r=900')
  })

  test('of an impossible request has no time', () => {
    expect(stateField(['burst'], [{ remaining: 3, renewal: 1, wait: Number.POSITIVE_INFINITY }])).toBe(
      '"burst";r=3',
    )
  })

  test('is a list of strings with integers (RFC 9651) for any state', () => {
    const number = fc.integer({ min: 0, max: largest })
    fc.assert(
      fc.property(names, number, number, number, (all, remaining, renewal, wait) => {
        const items = parseList(
          stateField(
            all,
            all.map(() => ({ remaining, renewal, wait })),
          ),
        )
        expect(items.map(([item]) => item)).toEqual(all)
        for (const [, parameters] of items) {
          expect(parameters.get('r')).toBe(remaining)
          const time = wait > 0 ? wait : renewal
          expect(parameters.get('t')).toBe(time > 0 ? Math.ceil(time / 1_000_000) : undefined)
        }
      }),
    )
  })
})

test('fields: parse (RFC 9651) for any quotas a limiter takes, whatever their names and numbers', async () => {
  let taken = 0
  const odd = fc.oneof(name, fc.string({ unit: 'binary', maxLength: 80 }), fc.string())
  const number = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.nat(Number.MAX_SAFE_INTEGER))
  await fc.assert(
    fc.asyncProperty(odd, number, number, number, fc.nat(3), async (called, limit, window, burst, cost) => {
      const make = () =>
        rateLimit({
          store: memoryRateLimitStore(),
          quotas: [{ name: called, limit, window, burst, key: 'ip' }],
        })
      let policy: ReturnType<typeof make>
      try {
        policy = make()
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        return
      }
      taken += 1
      const exchange = literalExchange({ operation: { cost } })
      const reply = await policy.handle(exchange, () =>
        Promise.resolve({ kind: 'answer', status: 200, headers: {}, body: null }),
      )
      const items = [
        ...parseList(String(reply.headers['ratelimit-policy'])),
        ...parseList(String(reply.headers['ratelimit'])),
      ]
      expect(items.map(([item]) => item)).toEqual([called, called])
      for (const value of items.flatMap(([, parameters]) => [...parameters.values()])) {
        expect(Number.isInteger(value)).toBe(true)
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(largest)
      }
    }),
    { numRuns: 2_000 },
  )
  expect(taken).toBeGreaterThan(100)
})

test('seconds are never 0 and never too early', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: largest }), (microseconds) => {
      const seconds = wholeSeconds(microseconds)
      expect(Number.isInteger(seconds) && seconds >= 1).toBe(true)
      expect(seconds * 1_000_000).toBeGreaterThanOrEqual(microseconds)
    }),
  )
})

test('the quotas of an inner limiter follow', () => {
  const own = { ratelimit: '"ip";r=1' }
  expect(joinFields(own, {})).toEqual(own)
  expect(joinFields(own, { etag: '"x"' })).toEqual(own)
  expect(joinFields(own, { ratelimit: '"burst";r=2' })).toEqual({ ratelimit: '"ip";r=1, "burst";r=2' })
  expect(joinFields(own, { ratelimit: ['"a";r=2', '"b";r=3'] })).toEqual({
    ratelimit: '"ip";r=1, "a";r=2,"b";r=3',
  })
})
