import { describe, expect, test } from '@jest/globals'
import type { Policy } from '@headgate/core'
import { buildSchema } from 'graphql'
import { compileDocument, type Document } from '../src/document.js'
import { readEntities } from '../src/entities.js'
import { graphqlGateway } from '../src/gateway.js'
import { graphql } from '../src/graphql.js'
import { checkRules, type RootFieldRule, type Rules } from '../src/rules.js'
import { inventorySchema } from './inventory.js'
import { passing } from './server.js'

const schema = inventorySchema()

function compiled(text: string, rules: Rules): Document {
  const limits = { maxTokens: 15_000, maxDepth: 64, maxFields: 5_000 }
  return compileDocument(
    { schema, entities: readEntities(schema), validationRules: [], rules: checkRules(schema, rules), limits },
    text,
    undefined,
  )
}

function declarationOf(text: string, rules: Rules) {
  const document = compiled(text, rules)
  if (document.kind === 'rejected') throw new Error(document.code)
  return document.declaration
}

describe('a rule that the schema does not know is refused by name', () => {
  test.each([
    ['Query.itmes', { cost: 1 }],
    ['Queri.items', { cost: 1 }],
    ['Item.name', { scopes: ['a'] }],
    ['Subscription.ticks', { cost: 1 }],
    ['Query', { cost: 1 }],
    ['Query.items.first', { cost: 1 }],
    ['Query.toString', { cost: 1 }],
    ['Query.items', { cots: 1 }],
    ['Query.items', { cost: 0 }],
    ['Query.items', { cost: 1.5 }],
    ['Query.items', { quotas: [''] }],
    ['Query.items', { access: 'none' }],
    ['Query.items', { scopes: 'items:read' }],
    ['Query.items', { scopes: [] }],
    ['Query.items', { scopes: ['a'], access: 'anonymous' }],
    ['Query.items', { scopes: [''] }],
    ['Query.items', { scopes: [[]] }],
    ['Query.items', { scopes: [['a'], 'b'] }],
    ['Query.items', { cache: { ttl: '1 minute' } }],
    ['Query.items', { cache: { tll: '1m' } }],
    ['Query.items', { cache: { public: 'yes' } }],
    ['Query.items', { cache: { vary: 'accept-language' } }],
    ['Query.items', { idempotency: 'required' }],
    ['Query.items', { invalidates: () => [] }],
    ['Mutation.createItem', { cache: { ttl: '1m' } }],
    ['Mutation.createItem', { idempotency: 'always' }],
    ['Mutation.createItem', { invalidates: ['Item[]'] }],
  ])('%s: %j', (coordinate, rule) => {
    const rules = { [coordinate]: rule } as unknown as Rules
    expect(() => graphql({ schema, rules })).toThrow(TypeError)
    expect(() => graphql({ schema, rules })).toThrow(`graphql: rules['${coordinate}']`)
  })
})

describe('what an operation is by the rules of its root fields', () => {
  const RULES: Rules = {
    'Query.item': {
      cost: 3,
      scopes: ['items:read'],
      cache: { ttl: '1m', public: true, vary: ['Accept-Language'] },
    },
    'Query.items': { cost: 5, scopes: [['items:read'], ['admin']], cache: { ttl: '10s', public: true } },
    'Query.user': { scopes: ['users:read'], access: 'required', cache: { ttl: '5m' } },
    'Query.search': { access: 'anonymous', cache: 'off' },
    'Query.whoami': { access: 'optional' },
    'Mutation.createItem': { cost: 10, idempotency: 'required' },
    'Mutation.renameItem': { idempotency: 'off' },
    'Mutation.removeItem': { idempotency: 'off' },
  }

  test.each([
    ['a field without a rule costs 1', '{ viewer { id } }', 1],
    ['an empty request costs 1', '{ __typename }', 1],
    ['each alias costs', '{ a: item(id: 1) { id } b: item(id: 2) { id } }', 6],
    [
      'an alias counts once however often it is named',
      '{ a: item(id: 1) { id } a: item(id: 1) { name } }',
      3,
    ],
    ['fields in fragments cost', '{ ...F } fragment F on Query { item(id: 1) { id } items { id } }', 8],
    ['fields that may be left out cost', '{ items @include(if: false) { id } }', 5],
    ['a mutation costs per alias', 'mutation { a: signIn(name: "x") b: signIn(name: "y") }', 2],
  ])('%s', (_, text, cost) => {
    expect(declarationOf(text, RULES).cost).toBe(cost)
  })

  test('the quotas of all fields hold, each once', () => {
    const rules: Rules = {
      'Query.items': { quotas: ['heavy'] },
      'Query.item': { quotas: ['heavy', 'search'] },
    }
    const text = '{ a: items { id } b: items { id } item(id: 1) { id } viewer { id } }'
    expect(declarationOf(text, rules).quotas).toEqual(['heavy', 'search'])
    expect(declarationOf('{ viewer { id } }', rules).quotas).toBeUndefined()
  })

  test('the roles of all fields are needed, in every form', () => {
    const rules: Rules = {
      'Query.items': { roles: { all: ['clerk'], any: ['b', 'c'] } },
      'Query.user': { roles: ['owner'] },
    }
    expect(declarationOf('{ items { id } user(id: 1) { id } }', rules).access).toEqual({
      roles: [
        ['b', 'clerk', 'owner'],
        ['c', 'clerk', 'owner'],
      ],
    })
  })

  test('the scopes of all fields are needed', () => {
    const { access } = declarationOf('{ items { id } user(id: 1) { id } item(id: 1) { id } }', RULES)
    expect(access.scopes).toEqual([
      ['items:read', 'users:read'],
      ['admin', 'items:read', 'users:read'],
    ])
    expect(declarationOf('{ whoami }', RULES).access).toEqual({ mode: 'optional' })
  })

  test('the number of alternatives is bounded', () => {
    const names = Array.from({ length: 12 }, (_, number) => `f${number}`)
    const wide = buildSchema(`type Query { ${names.map((name) => `${name}: Int`).join(' ')} }`)
    const rules = Object.fromEntries(
      names.map((name) => [`Query.${name}`, { scopes: [[`${name}:a`], [`${name}:b`]] }]),
    )
    const limits = { maxTokens: 15_000, maxDepth: 64, maxFields: 5_000 }
    const entities = readEntities(wide)
    const compiler = { schema: wide, entities, rules: checkRules(wide, rules), limits, validationRules: [] }
    expect(compileDocument(compiler, `{ ${names.join(' ')} }`, undefined)).toMatchObject({
      code: 'graphql-document-too-complex',
    })
    expect(compileDocument(compiler, '{ f1 f2 f3 }', undefined)).toMatchObject({ kind: 'runnable' })
  })

  test.each([
    ['required wins', '{ user(id: 1) { id } search { __typename } }', 'required'],
    ['a field without a mode keeps the gate its own', '{ search { __typename } viewer { id } }', undefined],
    ['optional wins over anonymous', '{ search { __typename } whoami }', 'optional'],
    ['anonymous only if all fields are', '{ search { __typename } __typename }', 'anonymous'],
    ['the schema itself has no mode', '{ __typename }', undefined],
    ['introspection has no mode', '{ __schema { queryType { name } } }', undefined],
  ])('mode: %s', (_, text, mode) => {
    expect(declarationOf(text, RULES).access.mode).toBe(mode)
  })

  test('introspection is not relaxed by the fields beside it', () => {
    expect(
      declarationOf('{ search { __typename } __schema { queryType { name } } }', RULES).access.mode,
    ).toBe(undefined)
  })

  test.each([
    [
      'required if any field says so',
      'mutation { createItem(input: { name: "x" }) { id } signIn(name: "x") }',
      'required',
    ],
    ['optional by default', 'mutation { signIn(name: "x") }', 'optional'],
    [
      'off only if all fields are',
      'mutation { renameItem(id: 1, name: "x") { id } removeItem(id: 1) }',
      'off',
    ],
    ['optional beside off', 'mutation { removeItem(id: 1) signIn(name: "x") }', 'optional'],
    ['off for a query', '{ whoami }', 'off'],
  ])('Idempotency-Key: %s', (_, text, idempotency) => {
    expect(declarationOf(text, RULES).idempotency).toBe(idempotency)
  })

  test.each([
    [
      'the rule of the only field',
      '{ item(id: 1) { id } }',
      { ttl: 60_000, public: true, vary: ['accept-language'] },
    ],
    [
      'the shortest lifetime',
      '{ item(id: 1) { id } items { id } }',
      { ttl: 10_000, public: true, vary: ['accept-language'] },
    ],
    ['private if any field is', '{ items { id } user(id: 1) { id } }', { ttl: 10_000 }],
    ['no lifetime if any field has none', '{ items { id } viewer { id } }', {}],
    ['a constant beside changes nothing', '{ items { id } __typename }', { ttl: 10_000, public: true }],
    ['off if any field is', '{ items { id } search { __typename } }', 'off'],
    ['off for the schema', '{ items { id } __schema { queryType { name } } }', 'off'],
    ['off for a mutation', 'mutation { signIn(name: "x") }', 'off'],
  ])('cache: %s', (_, text, cache) => {
    expect(declarationOf(text, RULES).cache).toEqual(cache)
  })
})

function make(rule: RootFieldRule, policies: readonly Policy[]) {
  return () => graphqlGateway({ schema, policies, rules: { 'Mutation.createItem': rule } })
}

describe('options that can not be meant', () => {
  test.each([
    ['no schema', {}, 'graphql: schema'],
    ['a schema as text', { schema: 'type Query { a: Int }' }, 'graphql: schema'],
    ['an unknown option', { schema, maxDeth: 3 }, "unknown option 'maxDeth'"],
    ['a path without a slash', { schema, path: 'graphql' }, 'graphql: path'],
    ['no body', { schema, bodyLimit: 0 }, 'graphql: bodyLimit'],
    ['half a token', { schema, maxTokens: 0.5 }, 'graphql: maxTokens'],
    ['a depth as text', { schema, maxDepth: '3' }, 'graphql: maxDepth'],
    ['endless fields', { schema, maxFields: Infinity }, 'graphql: maxFields'],
    ['an unknown bound', { schema, documents: { max: 3 } }, "unknown option 'max'"],
    ['no documents', { schema, documents: { maxEntries: 0 } }, 'graphql: documents.maxEntries'],
    ['loaders that are shared', { schema, loaders: {} }, 'graphql: loaders'],
    ['a context that is shared', { schema, context: {} }, 'graphql: context'],
    ['another profile', { schema, profile: 'latest' }, 'graphql: profile'],
    ['rules as a list', { schema, rules: [] }, 'graphql: rules'],
    ['an unknown key field', { schema, keyFields: { Item: 'sku' } }, 'graphql: keyFields'],
  ])('%s', (_, options, message) => {
    expect(() => graphql(options as never)).toThrow(TypeError)
    expect(() => graphql(options as never)).toThrow(message)
  })

  test('a schema that is not valid is refused at start-up, not at the first request', () => {
    expect(() => graphql({ schema: buildSchema('type A { b: Int }') })).toThrow(
      'graphql: schema is not valid',
    )
  })

  test('a gateway refuses rules that none of its policies enforces', () => {
    expect(make({ scopes: ['a'] }, [])).toThrow("gate: 'Mutation.createItem'")
    expect(make({ access: 'required' }, [])).toThrow(TypeError)
    expect(make({ idempotency: 'required' }, [passing('authenticate')])).toThrow(TypeError)
    expect(
      make({ scopes: ['a'], idempotency: 'required' }, [passing('authenticate'), passing('idempotency')]),
    ).not.toThrow()
  })

  test('a gateway takes the options of a gate and refuses others', () => {
    expect(() => graphqlGateway({ schema, policies: [], onEvent: () => undefined })).not.toThrow()
    expect(() => graphqlGateway({ schema, policies: [], onEvnt: () => undefined } as never)).toThrow(
      "'onEvnt'",
    )
  })
})
