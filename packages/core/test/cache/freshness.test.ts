import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseDirectives } from '../../src/cache/cache-control.js'
import { initialAgeOf, lifetimeOf } from '../../src/cache/freshness.js'
import { formatHttpDate } from '../../src/cache/http-date.js'
import type { Fields } from '../../src/fields.js'

const NOW = Date.UTC(2026, 0, 1)
const at = (seconds: number): string => formatHttpDate(NOW + seconds * 1000)

function lifetime(headers: Fields): number | undefined {
  const control = [headers['cache-control'] ?? []].flat()
  return lifetimeOf(headers, parseDirectives(control), NOW)
}

describe('a lifetime', () => {
  test.each<[string, Fields, number | undefined]>([
    ['nothing is said', {}, undefined],
    ['max-age', { 'cache-control': 'max-age=60' }, 60_000],
    ['s-maxage before max-age', { 'cache-control': 'max-age=60, s-maxage=0' }, 0],
    ['max-age before Expires', { 'cache-control': 'max-age=60', expires: '0' }, 60_000],
    ['Expires less Date', { date: at(-10), expires: at(20) }, 30_000],
    ['Expires less now, without a Date', { expires: at(20) }, 20_000],
    ['an Expires in the past', { date: at(0), expires: at(-20) }, 0],
    ['an Expires that is no date', { expires: '0' }, 0],
    ['an empty Expires', { expires: '' }, 0],
    ['two equal Expires', { date: at(0), expires: [at(20), at(20)] }, 20_000],
    ['two Expires that differ', { date: at(0), expires: [at(20), at(30)] }, 0],
    ['a validator is no freshness', { 'last-modified': at(-1000), etag: '"x"' }, undefined],
  ])('%s', (_name, headers, expected) => {
    expect(lifetime(headers)).toBe(expected)
  })
})

describe('an age at arrival', () => {
  const timing = { requestTime: NOW - 2_000, responseTime: NOW }
  test.each<[string, Fields, number]>([
    ['of a handler is the time it took, at most', {}, 2_000],
    ['is never below what Date shows', { date: at(-30) }, 30_000],
    ['is Age and the delay', { date: at(0), age: '10' }, 12_000],
    ['is not negative by a Date ahead', { date: at(100) }, 2_000],
    ['takes the first Age', { age: ['7', '9'] }, 9_000],
    ['takes the first member', { age: '7, 9' }, 9_000],
    ['ignores an Age that is no number', { age: '7200.0' }, 2_000],
    ['ignores a negative Age', { age: '-7' }, 2_000],
  ])('%s', (_name, headers, expected) => {
    expect(initialAgeOf(headers, timing)).toBe(expected)
  })
})

test('any fields give a lifetime and an age that are not negative, also by clocks that stepped', () => {
  const line = fc.oneof(fc.string(), fc.nat().map(String), fc.nat(100_000).map(at))
  const value = fc.oneof(line, fc.array(line))
  const fields = fc.dictionary(fc.constantFrom('age', 'date', 'expires', 'cache-control'), value)
  fc.assert(
    fc.property(fields, fc.integer(), fc.integer(), (headers, requestTime, responseTime) => {
      expect(lifetime(headers) ?? 0).toBeGreaterThanOrEqual(0)
      expect(initialAgeOf(headers, { requestTime, responseTime })).toBeGreaterThanOrEqual(0)
    }),
  )
})
