import { describe, expect, test } from '@jest/globals'
import { longestOf, startOf, stretchAt } from '../../src/rate-limit/calendar.js'
import { stretchesOf } from '../../src/testing/rate-limit-model-windows.js'

const DAY = 86_400_000_000
const DAYS = 84_006 // until 2200-01-01

const at = (text: string): number => Date.parse(text) * 1_000
const dateOf = (time: number): string => new Date(time / 1_000).toISOString()

describe('months', () => {
  test('every day from 1970 to 2199 is in the month that a count of days says, to the microsecond', () => {
    const counted = stretchesOf({ algorithm: 'fixed-window', window: 'month', burst: 1 })
    for (let day = 0; day < DAYS; day += 1) {
      for (const time of [day * DAY, (day + 1) * DAY - 1]) {
        const month = stretchAt('month', time)
        if (month !== counted.stretchAt(time)) throw new Error(`${dateOf(time)} is not in month ${month}`)
      }
    }
    for (let month = 0; month < 230 * 12; month += 1) {
      expect(startOf('month', month)).toBe(counted.startOf(month))
      expect(startOf('month', month + 1) - startOf('month', month)).toBeLessThanOrEqual(longestOf('month'))
    }
  })

  test.each([
    ['the end of a year', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['a leap day', '2028-02-29T12:00:00.000Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    ['28 days', '2026-02-28T23:59:59.999Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    [
      'a leap year of 400',
      '2000-02-29T00:00:00.000Z',
      '2000-02-01T00:00:00.000Z',
      '2000-03-01T00:00:00.000Z',
    ],
    [
      'no leap year of 100',
      '2100-02-28T23:59:59.999Z',
      '2100-02-01T00:00:00.000Z',
      '2100-03-01T00:00:00.000Z',
    ],
    ['before the epoch', '1969-12-31T23:59:59.999Z', '1969-12-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
  ])('%s', (_name, time, begin, end) => {
    const month = stretchAt('month', at(time))
    expect([dateOf(startOf('month', month)), dateOf(startOf('month', month + 1))]).toEqual([begin, end])
  })
})

test('weeks begin on Mondays, and each day is in one', () => {
  for (let day = 0; day < DAYS; day += 1) {
    const begin = startOf('week', stretchAt('week', day * DAY))
    const last = startOf('week', stretchAt('week', (day + 1) * DAY - 1))
    const weekday = new Date(begin / 1_000).getUTCDay()
    const age = day - begin / DAY
    if (weekday !== 1 || last !== begin || age < 0 || age > 6) throw new Error(dateOf(day * DAY))
  }
  expect(dateOf(startOf('week', stretchAt('week', at('2026-11-22T23:59:59.999Z'))))).toBe(
    '2026-11-16T00:00:00.000Z',
  )
})
