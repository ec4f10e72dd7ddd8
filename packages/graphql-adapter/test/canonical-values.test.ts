import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  buildSchema,
  getOperationAST,
  getVariableValues,
  parse,
  validate,
  ValuesOfCorrectTypeRule,
} from 'graphql'
import { inspect } from 'node:util'
import { canonicalVariables } from '../src/canonical.js'

const schema = buildSchema(`
  scalar Json
  scalar Exact
  enum Colour { RED BLUE }
  input In { id: ID count: Int = 1 json: Json exact: Exact colour: Colour = RED inner: In ids: [ID!] }
  type Query { a: Int }
`)
// As a scalar for money or large numbers does: digit by digit, where it gets the digits.
Object.assign(schema.getType('Exact')!, {
  parseValue: (value: unknown) => `sent ${typeof value} ${String(value)}`,
  parseLiteral: (node: { kind: string; value?: unknown }) => `written ${node.kind} ${String(node.value)}`,
})

const TYPES = ['ID', '[[ID]]', 'Int', 'Float', 'String', 'Boolean', 'Json', '[Json]', 'Exact', 'Colour', 'In']

const NUMBERS = [
  '0',
  '-0',
  '1',
  '1.0',
  '10e-1',
  '0.1',
  '9007199254740993',
  '9007199254740992',
  '1e400',
  '-1e400',
]
const TEXTS = [
  '"1"',
  '"1.0"',
  '"RED"',
  '"9007199254740993"',
  '"9007199254740992"',
  '"null"',
  '"Infinity"',
  '"-0"',
]
const LONE = ['"\\ud800"', '"\\udbff"', '"\\ufffd"']

/** Values as JSON texts, and as a document writes them. */
function written(atoms: readonly string[], name: (text: string) => string): fc.Arbitrary<string> {
  const names = fc.constantFrom('id', 'count', 'json', 'exact', 'colour', 'inner', 'ids')
  return fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...atoms, 'null', 'true') },
      fc.array(tie('value'), { maxLength: 2 }).map((items) => `[${items.join()}]`),
      fc
        .uniqueArray(fc.tuple(names, tie('value')), { maxLength: 3, selector: ([key]) => key })
        .map((members) => `{${members.map(([key, value]) => `${name(key)}: ${value}`).join()}}`),
    ),
  })).value
}

const sent = written([...NUMBERS, ...TEXTS, ...LONE], (name) => `"${name}"`).map((text) => `{"x":${text}}`)
const request = fc.oneof(sent, fc.constant('{}'))
const byDefault = written([...NUMBERS, ...TEXTS, 'RED', 'BLUE'], (name) => name)

test('requests whose resolvers get other values never look the same', () => {
  let compared = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...TYPES),
      fc.option(byDefault, { nil: undefined }),
      fc.array(request, { minLength: 6, maxLength: 12 }),
      (type, literal, requests) => {
        const declared = literal === undefined ? `$x: ${type}` : `$x: ${type} = ${literal}`
        const document = parse(`query (${declared}) { a }`)
        fc.pre(validate(schema, document, [ValuesOfCorrectTypeRule]).length === 0)
        const operation = getOperationAST(document)!
        const got = new Map<string, string>()
        for (const text of requests) {
          const inputs = JSON.parse(text) as Record<string, unknown>
          const values = valuesOf(operation.variableDefinitions ?? [], inputs)
          if (values === undefined) continue
          const canonical = canonicalVariables(schema, operation, inputs)
          expect([declared, text, got.get(canonical) ?? values]).toEqual([declared, text, values])
          got.set(canonical, values)
          compared += 1
        }
      },
    ),
    { numRuns: 1_000, examples: [['In', '{}', ['{}', '{"x":{}}']]] },
  )
  expect(compared).toBeGreaterThan(1_000)
})

/** What resolvers get, with all that tells it apart; undefined where it does not fit. */
function valuesOf(
  definitions: NonNullable<Parameters<typeof getVariableValues>[1]>,
  inputs: Readonly<Record<string, unknown>>,
): string | undefined {
  const { errors, ...values } = getVariableValues(schema, definitions, inputs)
  return errors === undefined ? inspect(plain(values), { depth: null, sorted: true }) : undefined
}

/** graphql-js makes objects without a prototype of those that a document writes: the same members, so the same value. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}
