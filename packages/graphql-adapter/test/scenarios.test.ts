import { describe, test } from '@jest/globals'
import { gate, listTag } from '@headgate/core'
import { gateScenarios, type ScenarioAction, type ScenarioItems } from '@headgate/core/testing'
import { buildSchema } from 'graphql'
import Koa from 'koa'
import { graphql, type Rules } from '../src/index.js'

const schema = buildSchema(`
  type Item { id: ID! name: String! }
  type Query { item(id: ID!): Item  items: [Item!]! }
  type Mutation {
    createItem(name: String!): Item!
    renameItem(id: ID!, name: String!): Item!
    payItem(id: ID!): Item!
  }
`)

function resolvers(items: ScenarioItems) {
  return {
    item: ({ id }: { id: string }) => items.read(id),
    items: () => items.list(),
    createItem: ({ name }: { name: string }) => items.create(name),
    renameItem: ({ id, name }: { id: string; name: string }) => items.rename(id, name),
    payItem: ({ id }: { id: string }) => items.pay(id),
  }
}

const write = { scopes: ['items:write'] }
const rules: Rules = {
  'Query.item': { cache: { ttl: '60s' } },
  'Query.items': { cache: { ttl: '60s' } },
  'Mutation.createItem': { ...write, cost: 5, invalidates: () => [listTag('Item')] },
  'Mutation.renameItem': write,
  'Mutation.payItem': { ...write, idempotency: 'required' },
}

function get(query: string, variables: object = {}) {
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) })
  return {
    method: 'GET',
    path: `/graphql?${search}`,
    headers: { accept: 'application/graphql-response+json' },
  }
}

function post(body: string) {
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' }
  return { method: 'POST', path: '/graphql', headers, body }
}

function mutation(query: string, variables: object) {
  return post(JSON.stringify({ query, variables }))
}

const CREATE = 'mutation ($name: String!) { createItem(name: $name) { id name } }'

function request(action: ScenarioAction) {
  switch (action.do) {
    case 'read':
      return get('query ($id: ID!) { item(id: $id) { id name } }', { id: action.id })
    case 'list':
      return get('{ items { id name } }')
    case 'create':
      return mutation(CREATE, { name: action.name })
    case 'create-invalid':
      return mutation(CREATE, { name: null })
    case 'rename':
      return mutation(
        'mutation ($id: ID!, $name: String!) { renameItem(id: $id, name: $name) { id name } }',
        action,
      )
    case 'pay':
      return mutation('mutation ($id: ID!) { payItem(id: $id) { id } }', { id: action.id })
    case 'unknown':
      return get('{ nothing }')
    case 'malformed':
      return post('{"query":')
  }
}

interface Document {
  readonly data?: Readonly<Record<string, unknown>>
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[]
}

describe('the gate in front of GraphQL', () => {
  const scenarios = gateScenarios({
    name: 'graphql',
    serve: (policies, items) =>
      new Koa()
        .use(gate(policies, { channels: [graphql({ schema, rules, rootValue: resolvers(items) })] }))
        .callback(),
    request,
    code: (answer) => (answer as Document).errors?.[0]?.extensions?.code?.toLowerCase().replaceAll('_', '-'),
    data: (answer) => Object.values((answer as Document).data ?? {})[0],
    statuses: { unknown: 400, malformed: 400, invalid: 400, created: 200 },
  })
  for (const { name, run } of scenarios) test(name, run)
})
