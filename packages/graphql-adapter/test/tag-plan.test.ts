import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  defaultFieldResolver,
  execute,
  type ExecutionResult,
  getNamedType,
  getNullableType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isListType,
  isObjectType,
  parse,
  validate,
} from 'graphql'
import { collectTags } from '../src/collect-tags.js'
import { compileDocument, type RunnableDocument } from '../src/document.js'
import { readEntities } from '../src/entities.js'
import type { RootFieldRule } from '../src/rules.js'
import { documents } from './documents.js'
import { inventory } from './inventory.js'

/** Every query field is kept for a minute, so that every query gets a plan. */
function compiled(schema: GraphQLSchema, text: string): RunnableDocument {
  const rules = new Map<string, RootFieldRule>(
    Object.keys(schema.getQueryType()!.getFields()).map((name) => [
      `Query.${name}`,
      { cache: { ttl: '1m' } },
    ]),
  )
  const limits = { maxTokens: 15_000, maxDepth: 64, maxFields: 5_000 }
  const document = compileDocument(
    { schema, entities: readEntities(schema), validationRules: [], rules, limits },
    text,
    undefined,
  )
  if (document.kind === 'rejected') throw new Error(JSON.stringify(document))
  return document
}

async function run(schema: GraphQLSchema, document: RunnableDocument['document'], context: object) {
  const { rootValue, loaders } = context as ReturnType<typeof inventory>
  return execute({ schema, document, rootValue, contextValue: { loaders: loaders() } })
}

/** What a plan-based execution gives: the answer as the client sees it, and its tags. */
async function planned(text: string): Promise<{ text: string; tags: readonly string[]; complete: boolean }> {
  const stock = inventory()
  const document = compiled(stock.schema, text)
  const result = await run(stock.schema, document.document, stock)
  const { tags, complete } = collectTags(document.plan!, result.data!, 'read')
  return { text: JSON.stringify(withoutErrors(result)), tags: [...tags].toSorted(), complete }
}

/** The same by looking at every value that any resolver gives. */
async function naive(text: string): Promise<{ text: string; tags: readonly string[] }> {
  const stock = inventory()
  const tags = new Set<string>()
  watchResolvers(stock.schema, tags)
  const result = await run(stock.schema, parse(text), stock)
  return { text: JSON.stringify(withoutErrors(result)), tags: [...tags].toSorted() }
}

function withoutErrors({ data, errors }: ExecutionResult): unknown {
  return { data, errors: errors?.map(({ message, path }) => ({ message, path })) }
}

const LISTS: Readonly<Record<string, readonly string[]>> = {
  Item: ['Item[]'],
  User: ['User[]'],
  Node: ['Item[]', 'User[]'],
  Thing: ['Item[]', 'User[]'],
  Line: ['Item[]'],
  ItemEdge: ['Item[]'],
}
const ENTITIES: ReadonlySet<string> = new Set(['Item', 'User'])

function watchResolvers(schema: GraphQLSchema, tags: Set<string>): void {
  const look = (type: GraphQLOutputType, value: unknown, inList: boolean): void => {
    const name = getNamedType(type).name
    const nullable = getNullableType(type)
    if (value === null || value === undefined) {
      if (!inList)
        [...(LISTS[name] ?? []), ...(name === 'ItemConnection' ? ['Item[]'] : [])].forEach((tag) =>
          tags.add(tag),
        )
    } else if (isListType(nullable)) {
      LISTS[name]?.forEach((tag) => tags.add(tag))
      for (const item of value as unknown[]) look(nullable.ofType, item, true)
    } else if (typeof value === 'object') {
      const { __typename: type_ = name, id } = value as { __typename?: string; id?: string }
      if (ENTITIES.has(type_)) tags.add(`${type_}:${id}`)
      if (name === 'ItemConnection') tags.add('Item[]')
    }
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const { resolve = defaultFieldResolver } = field
      field.resolve = async (source, args, context, info) => {
        const value: unknown = await resolve(source, args, context, info)
        look(field.type, value, false)
        return value
      }
    }
  }
}

describe('a tag plan', () => {
  test('gives the tags that looking at every value gives, and the answer of a plain execution', async () => {
    const { schema } = inventory()
    let valid = 0
    await fc.assert(
      fc.asyncProperty(documents(schema, 'query'), async (text) => {
        fc.pre(validate(schema, parse(text)).length === 0)
        valid += 1
        const expected = await naive(text)
        const actual = await planned(text)
        expect(actual).toEqual({ ...expected, complete: true })
      }),
      { numRuns: 200 },
    )
    expect(valid).toBe(200)
  })

  test.each([
    ['an entity whose key is selected', '{ item(id: 1) { id } }', ['Item:1']],
    ['an entity whose key has another name', '{ item(id: 1) { key: id } }', ['Item:1']],
    ['an entity whose key is not selected', '{ item(id: 1) { name } }', ['Item:1']],
    ['an entity whose key may be left out', '{ item(id: 1) { id @skip(if: true) name } }', ['Item:1']],
    ['an alias that looks like a key', '{ item(id: 1) { id: name } }', ['Item:1']],
    ['a list', '{ items { name } }', ['Item:1', 'Item:2', 'Item[]']],
    ['an empty list', '{ items(first: 0) { name } }', ['Item[]']],
    ['a thing that is not there', '{ item(id: 99) { name } }', ['Item[]']],
    ['an interface', '{ node(id: "u1") { __typename } }', ['User:u1']],
    ['an interface that finds nothing', '{ node(id: "99") { id } }', ['Item[]', 'User[]']],
    ['a union', '{ search { __typename } }', ['Item:1', 'Item[]', 'User:u1', 'User[]']],
    ['a count of a connection', '{ user(id: "u1") { items { total } } }', ['Item[]', 'User:u1']],
    [
      'a connection',
      '{ user(id: "u1") { items { edges { node { name } } } } }',
      ['Item:1', 'Item:2', 'Item[]', 'User:u1'],
    ],
    ['a list of wrappers', '{ user(id: "u1") { orders { lines { quantity } } } }', ['Item[]', 'User:u1']],
    ['an alias that is a prototype', '{ __proto__: item(id: 1) { __proto__: name } }', ['Item:1']],
    ['no entity', '{ whoami __typename }', []],
    ['a field that is left out', '{ whoami item(id: 1) @include(if: false) { id } }', []],
    [
      'fields that one answer merges',
      '{ item(id: 1) { seller { name } } ...F } fragment F on Query { item(id: 1) { seller { id } } }',
      ['Item:1', 'User:u1'],
    ],
    [
      'the same key for different entities',
      '{ search { ... on Item { x: seller { name } } ... on User { x: favourite { name } } } }',
      ['Item:1', 'Item:2', 'Item[]', 'User:u1', 'User[]'],
    ],
    [
      'the same key for different types',
      '{ search { ... on Item { x: related { name } } ... on User { x: orders { __typename } } } }',
      ['Item:1', 'Item:2', 'Item[]', 'User:u1', 'User[]'],
    ],
  ])('of %s', async (_, text, tags) => {
    expect((await planned(text)).tags).toEqual(tags)
    expect((await planned(text)).text).toBe((await naive(text)).text)
  })

  test('an entity that hides its key makes the answer one that must not be kept', async () => {
    const stock = inventory()
    const document = compiled(stock.schema, '{ item(id: 1) { id name } }')
    const data = { item: { id: null, name: 'Lamp' } }
    expect(collectTags(document.plan!, data, 'read').complete).toBe(false)
  })

  test('an answer with errors is the one of a plain execution', async () => {
    for (const text of [
      '{ item(id: 1) { name } broken }',
      '{ users { name secret } }',
      '{ items { name } strict }',
    ]) {
      const stock = inventory()
      const document = compiled(stock.schema, text)
      const result = await run(stock.schema, document.document, stock)
      if (result.data) collectTags(document.plan!, result.data, 'read')
      expect(JSON.stringify(withoutErrors(result))).toBe((await naive(text)).text)
    }
  })

  test('a document that will not be kept is executed as it is', () => {
    const { schema } = inventory()
    const compiler = { schema, entities: readEntities(schema), validationRules: [], rules: new Map() }
    const limits = { maxTokens: 15_000, maxDepth: 64, maxFields: 5_000 }
    const document = compileDocument({ ...compiler, limits }, '{ item(id: 1) { name } }', undefined)
    expect(document).toMatchObject({ kind: 'runnable', plan: undefined })
  })
})

describe('key fields', () => {
  test('may have another name for a type', async () => {
    const { schema } = inventory()
    const entities = readEntities(schema, { Notice: 'text' })
    expect(entities.keyField(schema.getType('Notice') as never)).toBe('text')
    expect(entities.listTags(schema.getType('Thing')!)).toEqual(['Item[]', 'User[]', 'Notice[]'])
  })

  test.each([
    ['a type that is not there', { Nothing: 'id' }],
    ['a field that is not there', { Item: 'sku' }],
    ['a field that is no leaf', { Item: 'seller' }],
    ['a type without fields', { Thing: 'id' }],
  ])('%s is refused by name', (_, keyFields) => {
    const [name] = Object.keys(keyFields)
    expect(() => readEntities(inventory().schema, keyFields as Record<string, string>)).toThrow(
      `graphql: keyFields['${name}']`,
    )
  })
})
