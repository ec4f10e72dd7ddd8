import { afterEach, describe, expect, test } from '@jest/globals'
import { type Operation, type Policy, refuse } from '@headgate/core'
import { literalExchange } from '@headgate/core/testing'
import { buildSchema, type GraphQLSchema } from 'graphql'
import type { Context } from 'koa'
import { graphql } from '../src/graphql.js'
import { endpoint } from './endpoint.js'
import { inventorySchema, TYPE_DEFS } from './inventory.js'
import { post, stopAll } from './server.js'

afterEach(stopAll)

const GRAPHQL = 'application/graphql-response+json'

/** What a policy is told of a request, and what becomes of its refusal. */
async function described(request: unknown, method = 'POST') {
  let operation: Operation | undefined
  const spy: Policy = {
    name: 'spy',
    handle(exchange) {
      operation = exchange.operation
      return Promise.resolve(
        refuse('quota-exceeded', { headers: { 'retry-after': '7' }, members: { limit: 5 } }),
      )
    },
  }
  const { url } = await endpoint({}, [spy])
  const response = await (method === 'POST'
    ? post(url, request, { accept: GRAPHQL })
    : fetch(url, { method }))
  return { operation: operation!, response }
}

async function fingerprint(request: unknown) {
  return (await described(request)).operation.fingerprint()
}

/** Of a query and of a mutation. */
function fingerprints(schema: GraphQLSchema) {
  const channel = graphql({ schema })
  const texts = ['{ whoami }', 'mutation { signIn(name: "x") }']
  return Promise.all(
    texts.map(async (query) => {
      const headers = { 'content-type': 'application/json' }
      const incoming = literalExchange({ method: 'POST', headers, body: JSON.stringify({ query }) })
      return (await channel.describe({ request: {} } as Context, incoming)).fingerprint()
    }),
  )
}

describe('what the policies are told', () => {
  test.each([
    [{ query: 'query GetItem { item(id: 1) { id } }' }, 'query GetItem', 'read', 'off'],
    [{ query: 'mutation Add { signIn(name: "x") }' }, 'mutation Add', 'write', 'optional'],
    [{ query: 'query A { whoami } query B { viewer { id } }', operationName: 'B' }, 'query B', 'read', 'off'],
    [{ query: 'query Q($id: ID!) { item(id: $id) { id } }' }, 'query Q', 'read', 'off'],
    [{ query: '{ nothing }' }, '(malformed)', 'write', 'off'],
    ['{', '(malformed)', 'write', 'off'],
  ])('%j is %s', async (request, name, effect, idempotency) => {
    const { operation } = await described(request)
    expect(operation).toMatchObject({ protocol: 'graphql', name, effect, idempotency, cost: 1 })
  })

  test.each([
    ['{ whoami }', 'query (whoami)'],
    ['{ b: user(id: 2) { id } a: user(id: 1) { id } item(id: 1) { id } }', 'query (item, user)'],
    [
      '{ whoami viewer { id } items { id } item(id: 1) { id } users { id } }',
      'query (item, items, users, +2)',
    ],
    ['mutation { signIn(name: "a") }', 'mutation (signIn)'],
    [`query ${'x'.repeat(1_000)} { whoami }`, `query ${'x'.repeat(64)}`],
  ])('an operation has a short name, an anonymous one by its fields: %s', async (query, name) => {
    expect((await described({ query })).operation.name).toBe(name)
  })

  test('what can not run is still gated: a refusal of a policy comes first', async () => {
    for (const request of ['{', {}, { query: '{ nothing }' }, { query: '{ whoami }', variables: [] }]) {
      expect((await described(request)).response.status).toBe(429)
    }
    expect((await described(undefined, 'DELETE')).response.status).toBe(429)
  })

  test('a refusal arrives as a GraphQL error with its status, fields and members', async () => {
    const { response } = await described({ query: '{ whoami }' })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('content-type')).toBe(`${GRAPHQL}; charset=utf-8`)
    expect(await response.json()).toEqual({
      errors: [{ message: 'A quota is exceeded.', extensions: { code: 'QUOTA_EXCEEDED', limit: 5 } }],
    })
  })

  test('equal meaning gives an equal fingerprint, another operation or identity of variables another', async () => {
    const query = 'query A($id: ID!, $first: Int = 10) { item(id: $id) { id } items(first: $first) { id } }'
    const first = await fingerprint({ query, variables: { id: '1', first: 10 } })
    expect(
      await fingerprint({ variables: { first: 10, id: 1 }, query: `# again\n${query}`, extensions: {} }),
    ).toBe(first)
    expect(await fingerprint({ query, variables: { id: '1' } })).toBe(first)
    expect(await fingerprint({ query, variables: { id: '1', first: null } })).not.toBe(first)
    expect(await fingerprint({ query, variables: { id: '2' } })).not.toBe(first)
    expect(
      await fingerprint({ query: query.replace('query A', 'query B'), variables: { id: '1' } }),
    ).not.toBe(first)
  })

  test('another schema gives a query another fingerprint, and a mutation the same', async () => {
    const wider = buildSchema(`${TYPE_DEFS} extend type Query { more: Int }`)
    const [query, mutation] = await fingerprints(inventorySchema())
    const [otherQuery, sameMutation] = await fingerprints(wider)
    expect(otherQuery).not.toBe(query)
    expect(sameMutation).toBe(mutation)
  })
})
