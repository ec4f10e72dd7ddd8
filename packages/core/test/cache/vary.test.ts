import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { selectingFields, variantSelector, withVary } from '../../src/cache/vary.js'
import { literalExchange } from '../../src/testing/exchange.js'

describe('the selecting fields', () => {
  test.each<[Record<string, string | string[]>, string[], readonly string[] | '*']>([
    [{}, [], []],
    [{}, ['accept'], ['accept']],
    [{ vary: 'Origin, ACCEPT' }, [], ['accept', 'origin']],
    [{ vary: ['Origin', 'Accept, origin'] }, ['x'], ['accept', 'origin', 'x']],
    [{ vary: '*' }, [], '*'],
    [{ vary: 'accept, *' }, [], '*'],
    [{ vary: 'not a name' }, [], '*'],
    [{ 'content-encoding': 'gzip' }, [], ['accept-encoding']],
    [{ 'content-encoding': 'identity' }, [], []],
  ])('of %j with the rule %j are %j', (headers, ruled, expected) => {
    expect(selectingFields(headers, ruled)).toEqual(expected)
  })
})

test('an answer names the fields that select it once', () => {
  expect(withVary({ vary: 'Accept' }, ['accept', 'origin'])).toEqual({ vary: 'Accept, origin' })
  expect(withVary({}, ['accept'])).toEqual({ vary: 'accept' })
  expect(withVary({ vary: '*' }, ['accept'])).toEqual({ vary: '*' })
})

function variant(headers: Record<string, string | string[] | undefined>, vary: string[]): string {
  const sent = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  return variantSelector(literalExchange({ headers: Object.fromEntries(sent) }))(vary)
}

describe('two requests select the same variant', () => {
  test('when the fields differ in whitespace or lines only', () => {
    const same = variant({ accept: 'a, b' }, ['accept'])
    expect(variant({ accept: ' a ,\tb' }, ['accept'])).toBe(same)
    expect(variant({ accept: ['a', 'b'] }, ['accept'])).toBe(same)
  })

  test('not when whitespace stands in quotes', () => {
    expect(variant({ a: '"x ,y"' }, ['a'])).not.toBe(variant({ a: '"x,y"' }, ['a']))
  })

  test('not when a field is missing in one', () => {
    expect(variant({}, ['a'])).not.toBe(variant({ a: '' }, ['a']))
    expect(variant({ a: 'x' }, ['a', 'b'])).not.toBe(variant({ b: 'x' }, ['a', 'b']))
  })

  test('only when every field is the same, whatever it holds', () => {
    const value = fc.option(fc.stringMatching(/^[a-c,:;]{0,4}$/), { nil: undefined })
    const fields = fc.record({ a: value, b: value })
    fc.assert(
      fc.property(fields, fields, (one, other) => {
        const same = one.a === other.a && one.b === other.b
        expect(variant(one, ['a', 'b']) === variant(other, ['a', 'b'])).toBe(same)
      }),
    )
  })
})
