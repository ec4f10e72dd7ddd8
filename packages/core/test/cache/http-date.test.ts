import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { formatHttpDate, parseHttpDate } from '../../src/cache/http-date.js'

const NOW = Date.UTC(2026, 10, 22)
const TIME = Date.UTC(1994, 10, 6, 8, 49, 37)

describe('the three forms of RFC 9110 5.6.7', () => {
  test.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Sun Nov 06 08:49:37 1994',
  ])('%s', (text) => {
    expect(parseHttpDate(text, NOW)).toBe(TIME)
  })

  test('a two-digit year more than fifty years ahead belongs to the last century', () => {
    expect(parseHttpDate('Sunday, 22-Nov-76 00:00:00 GMT', NOW)).toBe(Date.UTC(2076, 10, 22))
    expect(parseHttpDate('Monday, 22-Nov-76 00:00:01 GMT', NOW)).toBe(Date.UTC(1976, 10, 22, 0, 0, 1))
    expect(parseHttpDate('Monday, 22-Nov-99 00:00:00 GMT', NOW)).toBe(Date.UTC(1999, 10, 22))
  })

  test('the first centuries are not moved into the twentieth', () => {
    expect(new Date(parseHttpDate('Thu, 01 Jan 0050 00:00:00 GMT', NOW) ?? 0).getUTCFullYear()).toBe(50)
  })
})

// Date.parse takes most of these for a date.
test.each([
  '',
  '0',
  'tomorrow',
  'Sun, 06 Nov 1994 08:49:37 UTC',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 +0000',
  'Sun 06 Nov 1994 08:49:37 GMT',
  'Sun,  06 Nov 1994 08:49:37 GMT',
  'Sun, 06-Nov-1994 08:49:37 GMT',
  'Sun, 6 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 8:49:37 GMT',
  'Sun, 06 Nov 1994 24:00:00 GMT',
  'Sun, 06 Nov 1994 08:60:37 GMT',
  'Sun, 06 Nov 1994 08:49:61 GMT',
  'Sun, 31 Feb 1994 08:49:37 GMT',
  'Sun, 00 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 94 08:49:37 GMT',
  ' Sun, 06 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  '1994-11-06T08:49:37Z',
])('%j is no date', (text) => {
  expect(parseHttpDate(text, NOW)).toBeUndefined()
})

test('reads what it writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
      expect(parseHttpDate(formatHttpDate(seconds * 1000), NOW)).toBe(seconds * 1000)
    }),
  )
})

test('reads any text without a throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseHttpDate(text, NOW)))
})
