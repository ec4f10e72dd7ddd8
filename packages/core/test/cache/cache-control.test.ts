import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  fieldNamesOf,
  isPermitted,
  isUnqualified,
  parseDirectives,
  secondsOf,
} from '../../src/cache/cache-control.js'
import { listMembers } from '../../src/cache/list.js'

describe('a list', () => {
  test.each([
    ['', []],
    [' , ,', []],
    ['a, b ,\tc', ['a', 'b', 'c']],
    ['a="x, y", b', ['a="x, y"', 'b']],
    [String.raw`a="x\", y", b`, [String.raw`a="x\", y"`, 'b']],
    ['a="x, b', ['a="x', 'b']],
    ['\u00a0a', ['\u00a0a']],
  ])('%j has the members %j', (line, members) => {
    expect(listMembers(line)).toEqual(members)
  })

  test('of a hundred thousand quotes is read in one pass', () => {
    expect(listMembers('"\\'.repeat(100_000))).toHaveLength(1)
    expect(listMembers(`${'"'.repeat(100_001)},b`)).toHaveLength(2)
  })
})

describe('a number of seconds', () => {
  test.each([
    ['max-age=60', 60],
    ['MAX-AGE=60', 60],
    ['max-age="60"', 60],
    ['max-age=060', 60],
    ['max-age=60, max-age=60', 60],
    ['a="max-age=1, b", max-age=60', 60],
    ['max-age=99999999999999999999', 2_147_483_648],
    ['public', undefined],
    ['max-age', 0],
    ['max-age=', 0],
    ['max-age=-1', 0],
    ['max-age=+1', 0],
    ['max-age=1.5', 0],
    ['max-age=1e3', 0],
    ['max-age=60s', 0],
    ['max-age =60', 0],
    ['max-age= 60', 0],
    ["max-age='60'", 0],
    ['max-age=60, max-age=61', 0],
    ['max-age=60, max-age=x', 0],
    ['max-age="60', 0],
  ])('in %j is %j', (line, seconds) => {
    expect(secondsOf(parseDirectives([line]), 'max-age')).toBe(seconds)
  })

  test('is the same in one line and in two', () => {
    expect(secondsOf(parseDirectives(['max-age=60', 'public, max-age=70']), 'max-age')).toBe(0)
  })
})

describe('a restriction', () => {
  test('to some fields is not one of the whole answer', () => {
    const directives = parseDirectives(['no-cache="Set-Cookie, X-A"'])
    expect(fieldNamesOf(directives, 'no-cache')).toEqual(['set-cookie', 'x-a'])
    expect(isUnqualified(directives, 'no-cache')).toBe(false)
  })

  test.each([
    'no-cache',
    'No-Cache',
    'no-cache=x',
    'no-cache=""',
    'no-cache="a b"',
    'no-cache="a", no-cache',
  ])('of the whole answer: %s', (line) => {
    expect(isUnqualified(parseDirectives([line]), 'no-cache')).toBe(true)
  })

  test('is seen behind a quote that never closes', () => {
    expect(parseDirectives(['x="a, no-store']).has('no-store')).toBe(true)
  })
})

test('a permission has no argument', () => {
  expect(isPermitted(parseDirectives(['public']), 'public')).toBe(true)
  expect(isPermitted(parseDirectives(['public="x"']), 'public')).toBe(false)
  expect(isPermitted(parseDirectives([]), 'public')).toBe(false)
})

test('any lines are read without a throw, and numbers stay in their range', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-z="\\, 0-9-]*$/))
  fc.assert(
    fc.property(fc.array(text), (lines) => {
      const directives = parseDirectives(lines)
      for (const name of [...directives.keys(), 'max-age']) {
        const seconds = secondsOf(directives, name) ?? 0
        expect(seconds >= 0 && seconds <= 2_147_483_648).toBe(true)
        fieldNamesOf(directives, name)
      }
    }),
  )
})
