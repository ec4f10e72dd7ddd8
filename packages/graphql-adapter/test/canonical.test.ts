import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { buildSchema, getOperationAST, parse } from 'graphql'
import { canonicalVariables, digestOperation } from '../src/canonical.js'
import { reachedFragments } from '../src/fragments.js'
import { inventorySchema } from './inventory.js'

const schema = inventorySchema()

function digest(text: string, operationName?: string): string {
  const document = parse(text)
  const operation = getOperationAST(document, operationName)!
  return digestOperation(operation, reachedFragments(document, operation))
}

function variables(declarations: string, inputs: Record<string, unknown>, of = schema): string {
  const operation = getOperationAST(parse(`query (${declarations}) { __typename }`))!
  return canonicalVariables(of, operation, inputs)
}

describe('the digest of an operation', () => {
  const TEXT = 'query A($id: ID!) { item(id: $id) { id name ...F } } fragment F on Item { price }'

  test('is the same for every layout', () => {
    const ignored = fc.array(fc.constantFrom(' ', '\n', '\t', ',', '\r\n', '# note\n'), { maxLength: 4 })
    const tokens = TEXT.match(/\.\.\.|\w+|[^\s]/g)!
    const gaps = fc.array(
      ignored.map((parts) => ` ${parts.join('')}`),
      {
        minLength: tokens.length,
        maxLength: tokens.length,
      },
    )
    fc.assert(
      fc.property(gaps, (between) => {
        expect(digest(tokens.map((token, index) => token + (between[index] ?? '')).join(''))).toBe(
          digest(TEXT),
        )
      }),
    )
  })

  test('does not depend on other operations or on where fragments stand', () => {
    const moved = `fragment F on Item { price } ${TEXT.slice(0, TEXT.indexOf('fragment'))} query B { whoami }`
    expect(digest(moved, 'A')).toBe(digest(TEXT))
  })

  test.each([
    ['another name', TEXT.replace('query A', 'query B')],
    ['another order of fields', TEXT.replace('id name', 'name id')],
    ['another alias', TEXT.replace(' name', ' n: name')],
    ['another field', TEXT.replace('price', 'id')],
    ['a directive', TEXT.replace(' name', ' name @skip(if: false)')],
    ['another default', TEXT.replace('$id: ID!', '$id: ID! = 1')],
  ])('is another for %s', (_, text) => {
    expect(digest(text)).not.toBe(digest(TEXT))
  })
})

/** With one more digit it is too long for a number of JavaScript. */
const MANY = '900719925474099'

describe('canonical variables', () => {
  test('are the same in every order of keys, at every depth', () => {
    const json = fc.jsonValue({ maxDepth: 4 })
    fc.assert(
      fc.property(json, json, (a, b) => {
        const one = variables('$a: Json, $b: Json', { a, b })
        const other = variables('$b: Json, $a: Json', { b: reversed(b), a: reversed(a) })
        expect(other).toBe(one)
      }),
    )
  })

  test('are the same exactly when the JSON is', () => {
    const json = fc.jsonValue({ maxDepth: 2 })
    fc.assert(
      fc.property(json, json, (a, b) => {
        const same = isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)))
        expect(variables('$a: Json', { a }) === variables('$a: Json', { a: b })).toBe(same)
      }),
    )
  })

  test.each([
    ['an omitted variable and a null one', '$id: ID', {}, { id: null }, false],
    ['an omitted variable and its default', '$n: Int = 10', {}, { n: 10 }, true],
    ['null and the default', '$n: Int = 10', { n: null }, { n: 10 }, false],
    ['an undeclared variable and none', '$id: ID', { id: 'a', other: 1 }, { id: 'a' }, true],
    ['ID 1 and ID "1"', '$id: ID!', { id: 1 }, { id: '1' }, true],
    ['String "1" and "01"', '$id: String', { id: '1' }, { id: '01' }, false],
    ['one value and a list of it', '$ids: [ID!]', { ids: 1 }, { ids: ['1'] }, true],
    ['the order of a list', '$ids: [ID!]', { ids: [1, 2] }, { ids: [2, 1] }, false],
    [
      'the order of an input',
      '$i: ItemInput',
      { i: { name: 'a', price: 2 } },
      { i: { price: 2, name: 'a' } },
      true,
    ],
    [
      'a null and an omitted member',
      '$i: ItemInput',
      { i: { name: 'a' } },
      { i: { name: 'a', price: null } },
      false,
    ],
    ['enum values', '$s: Sort = NAME', {}, { s: 'NAME' }, true],
    ['a custom scalar 1 and "1"', '$j: Json', { j: 1 }, { j: '1' }, false],
    ['a number too large to be one and null', '$j: Json', { j: Infinity }, { j: null }, false],
    ['0 and -0', '$j: Json', { j: 0 }, { j: -0 }, false],
    ['such numbers of both signs', '$j: Json', { j: [Infinity] }, { j: [-Infinity] }, false],
    ['an ID of many digits and its neighbour', `$id: ID = ${MANY}3`, {}, { id: `${MANY}2` }, false],
    ['the same in a list', `$ids: [ID] = [${MANY}3]`, {}, { ids: [`${MANY}2`] }, false],
    ['an ID of many digits and itself', `$id: ID = ${MANY}3`, {}, { id: `${MANY}3` }, true],
    ['a default ID and its text', '$ids: [ID!] = 1', {}, { ids: ['1'] }, true],
    [
      'what a custom scalar reads digit by digit',
      `$j: Json = ${MANY}3`,
      {},
      { j: Number(`${MANY}2`) },
      false,
    ],
    ['an enum value and its text, to a custom scalar', '$j: Json = RED', {}, { j: 'RED' }, false],
    [
      'a default input and its members',
      '$i: ItemInput = { price: 2, name: "a", labels: "x" }',
      {},
      { i: { name: 'a', price: 2, labels: ['x'] } },
      true,
    ],
    ['a default that is null, and null', '$i: ItemInput = null', {}, { i: null }, true],
  ])('%s', (_, declarations, one, other, same) => {
    expect(variables(declarations, one) === variables(declarations, other)).toBe(same)
  })

  test('names of members can not be confused with values', () => {
    const of = buildSchema('scalar Json type Query { a(j: Json): Int }')
    const inputs = [{ j: { a: 1, b: 2 } }, { j: { 'a":1,"b': 2 } }, { j: { a: '1,"b":2' } }, { j: ['a', 1] }]
    expect(new Set(inputs.map((input) => variables('$j: Json', input, of))).size).toBe(inputs.length)
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  )
}
