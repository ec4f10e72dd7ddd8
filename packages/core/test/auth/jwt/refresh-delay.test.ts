import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { refreshDelay } from '../../../src/auth/jwt/refresh-delay.js'

const SETTING = { maxAge: 600_000, cooldown: 30_000 }
const RANDOM = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the next attempt to fetch keys', () => {
  test('comes at 70 to 80 % of their age after one that succeeded', () => {
    expect(refreshDelay(0, SETTING, 0)).toBe(480_000)
    fc.assert(
      fc.property(RANDOM, (random) => {
        const delay = refreshDelay(0, SETTING, random)
        expect(delay).toBeGreaterThan(420_000)
        expect(delay).toBeLessThanOrEqual(480_000)
      }),
    )
  })

  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [5, 16_000],
    [6, 30_000],
    [2_000, 30_000],
  ])('after %d failures comes within %d ms', (failures, most) => {
    expect(refreshDelay(failures, SETTING, 0.5)).toBe(most / 2)
  })

  test('never comes at once, however many processes draw nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), RANDOM, (failures, random) => {
        expect(refreshDelay(failures, SETTING, random)).toBeGreaterThanOrEqual(100)
      }),
    )
  })
})
