import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createIdentity } from '../../src/auth/identity.js'
import { checkQuotas, type Quota } from '../../src/rate-limit/quota.js'

const QUOTA = { name: 'burst', limit: 100, window: '1m' } as const
const identity = createIdentity({ scheme: 'test', subject: 'ann', claims: { plan: 'gold' } })

const byPlan: Quota['limit'] = (who) => (who?.claims['plan'] === 'gold' ? 1_000 : Number.NaN)

function termsOf(quota: Partial<Quota>, who = identity) {
  const [checked] = checkQuotas([{ ...QUOTA, ...quota }], 56)
  if (checked === undefined) throw new Error('there is none')
  return checked.termsFor(who)
}

function rateOf(quota: Partial<Quota>) {
  const { rate } = termsOf(quota)
  if (!('interval' in rate)) throw new Error('a window')
  return rate
}

describe('terms', () => {
  test('the burst is a tenth of the limit, at least 1, unless it is given', () => {
    expect(termsOf({}).rate).toEqual({ burst: 10, interval: 600_000 })
    expect(rateOf({ limit: 19 }).burst).toBe(1)
    expect(rateOf({ limit: 3 }).burst).toBe(1)
    expect(rateOf({ burst: 250 }).burst).toBe(250)
  })

  test('intervals are rounded up, so no window gives more than the limit beside the burst', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 10, max: 1e9 }), (limit, window) => {
        const { interval } = rateOf({ limit, window })
        expect(Number.isSafeInteger(interval)).toBe(true)
        expect((window * 1_000) / interval).toBeLessThanOrEqual(limit)
      }),
    )
  })

  test('a strict quota never gives more than its limit in a window, the burst included', () => {
    const window = fc.integer({ min: 10, max: 1e6 })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10_000 }), fc.nat(10_000), window, (limit, half, width) => {
        const burst = 1 + (half % (limit - 1))
        const { interval } = rateOf({ limit, burst, window: width, strict: true })
        expect(burst + (width * 1_000) / interval).toBeLessThanOrEqual(limit + 1e-9)
      }),
    )
  })

  test('a window holds its limit, all of which may be taken at once', () => {
    for (const algorithm of ['fixed-window', 'sliding-window'] as const) {
      expect(termsOf({ algorithm }).rate).toEqual({ algorithm, window: 60_000_000, burst: 100 })
    }
  })

  test('a tier is a function of the caller, checked whenever it is asked', () => {
    expect(termsOf({ limit: byPlan })).toMatchObject({
      limit: 1_000,
      rate: { burst: 100, interval: 60_000 },
      budget: 'burst@1000',
    })
    expect(() => termsOf({ limit: byPlan }, createIdentity({ scheme: 'test', subject: 'bob' }))).toThrow(
      /rateLimit: quotas\[0\]\.limit must be an integer of at least 1; got NaN/,
    )
  })
})

describe('quotas that can not be right', () => {
  test.each<[string, unknown, RegExp]>([
    ['none', [], /quotas must be a non-empty array/],
    ['no array', QUOTA, /quotas must be a non-empty array/],
    ['nothing in it', [undefined], /quotas\[0\] must be an object/],
    ['a typo', [{ ...QUOTA, bursts: 1 }], /quotas\[0\]: unknown option 'bursts'/],
    ['no name', [{ ...QUOTA, name: undefined }], /quotas\[0\]\.name/],
    ['a quote in the name', [{ ...QUOTA, name: 'gold "tier"' }], /quotas\[0\]\.name/],
    ['a name that is not ASCII', [{ ...QUOTA, name: 'größe' }], /quotas\[0\]\.name/],
    ['a line break in the name', [{ ...QUOTA, name: 'a\n' }], /quotas\[0\]\.name/],
    ['a long name', [{ ...QUOTA, name: 'a'.repeat(65) }], /at most 64 characters/],
    ['one name twice', [QUOTA, { ...QUOTA, limit: 5 }], /quotas\[1\]\.name: two quotas are named 'burst'/],
    ['no limit', [{ ...QUOTA, limit: 0 }], /quotas\[0\]\.limit/],
    ['a text as limit', [{ ...QUOTA, limit: '100' }], /quotas\[0\]\.limit/],
    ['half a unit', [{ ...QUOTA, limit: 1.5 }], /quotas\[0\]\.limit/],
    ['no window', [{ ...QUOTA, window: undefined }], /quotas\[0\]\.window/],
    ['a window of nothing', [{ ...QUOTA, window: 0 }], /quotas\[0\]\.window/],
    ['no burst', [{ ...QUOTA, burst: 0 }], /quotas\[0\]\.burst/],
    ['a cost of nothing', [{ ...QUOTA, cost: 0 }], /quotas\[0\]\.cost/],
    ['a text as cost', [{ ...QUOTA, cost: '1' }], /quotas\[0\]\.cost/],
    ['a cost that can never pass', [{ ...QUOTA, cost: 11 }], /cost must be at most the burst.*got 11 of 10/],
    ['another key', [{ ...QUOTA, key: 'user' }], /quotas\[0\]\.key/],
    ['a text for strict', [{ ...QUOTA, strict: 'yes' }], /quotas\[0\]\.strict/],
    ['a strict burst of all', [{ ...QUOTA, strict: true, burst: 100 }], /less than the limit/],
    ['more than one a microsecond', [{ ...QUOTA, limit: 1_001, window: 1 }], /one unit per microsecond/],
    ['a window of a century', [{ ...QUOTA, window: '36500d' }], /31 years/],
    ['a burst that takes a century', [{ ...QUOTA, limit: 1, window: '365d', burst: 100 }], /31 years/],
  ])('%s', (_name, quotas, message) => {
    expect(() => checkQuotas(quotas, 56)).toThrow(TypeError)
    expect(() => checkQuotas(quotas, 56)).toThrow(message)
  })
})
