import { describe, expect, test } from '@jest/globals'
import { milliseconds } from '../src/duration.js'

describe('milliseconds', () => {
  test.each([
    [250, 250],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['1m', 60_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ])('reads %p', (value, expected) => {
    expect(milliseconds('gate: window', value)).toBe(expected)
  })

  test.each([
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    '1',
    '1 m',
    'm',
    '-1s',
    '1y',
    null,
    undefined,
    {},
    ['1m'],
  ])('refuses %p by the name of the option', (value) => {
    expect(() => milliseconds('gate: window', value)).toThrow(new RegExp('^gate: window must be'))
  })
})
