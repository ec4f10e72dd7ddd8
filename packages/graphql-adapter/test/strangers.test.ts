import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { GraphQLObjectType, GraphQLScalarType, GraphQLSchema, GraphQLString } from 'graphql'
import { graphqlGateway } from '../src/gateway.js'
import { KEYS, policies } from './real-gateway.js'
import { post, start, stopAll } from './server.js'

afterEach(stopAll)

/** How often validation looked at a literal, and coercion at a variable. */
const looked = { literals: 0, variables: 0 }
beforeEach(() => void Object.assign(looked, { literals: 0, variables: 0 }))

const Watched = new GraphQLScalarType({
  name: 'Watched',
  parseLiteral: () => ((looked.literals += 1), 'x'),
  parseValue: () => ((looked.variables += 1), 'x'),
})
const echo = { type: GraphQLString, args: { text: { type: Watched } }, resolve: () => 'x' }
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { own: echo, open: echo, costly: echo } }),
})

async function gateway(budget?: number) {
  const rules = { 'Query.open': { access: 'anonymous' }, 'Query.costly': { cost: 50 } } as const
  const { url } = await start(graphqlGateway({ schema, rules, policies: policies(budget) }))
  return (request: object, headers: Record<string, string> = {}): Promise<Response> =>
    post(`${url}/graphql`, request, headers)
}

const CALLER = { 'x-api-key': KEYS.reader }
const LITERAL = { query: '{ own(text: 1) }' }
const VARIABLE = { query: 'query Q($text: Watched) { own(text: $text) }', variables: { text: 1 } }

describe('a document is validated, and its variables coerced', () => {
  test('not for a caller whom nobody knows', async () => {
    const ask = await gateway()
    for (const request of [LITERAL, VARIABLE, { query: '{ own(text: 1) nothing }' }]) {
      expect((await ask(request)).status).toBe(401)
    }
    expect(looked).toEqual({ literals: 0, variables: 0 })
  })

  test('not for one who has no budget left', async () => {
    const ask = await gateway(60)
    expect((await ask({ query: '{ costly }' }, CALLER)).status).toBe(200)
    expect((await ask({ query: '{ costly(text: 1) }' }, CALLER)).status).toBe(429)
    expect(looked.literals).toBe(0)
  })

  test('for one who is known, and where no caller is needed', async () => {
    const ask = await gateway()
    expect((await ask(VARIABLE, CALLER)).status).toBe(200)
    expect(looked.variables).toBeGreaterThan(0)
    expect((await ask({ query: '{ open(text: 1) }' })).status).toBe(200)
    expect(looked.literals).toBeGreaterThan(0)
  })
})

test('a field that is not there does not open the gate: the document is one of a caller unknown', async () => {
  const ask = await gateway()
  expect((await ask({ query: '{ open(text: 1) nothing }' })).status).toBe(401)
  expect(looked.literals).toBe(0)
})

test('an invalid document is told so once its caller is known, and costs what its fields do', async () => {
  const ask = await gateway(60)
  const answer = await ask({ query: '{ costly(nothing: 1) }' }, CALLER)
  expect(await answer.json()).toMatchObject({
    errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
  })
  expect((await ask({ query: '{ costly }' }, CALLER)).status).toBe(429)
})

test('variables nested too deep for what walks them are refused', async () => {
  const ask = await gateway()
  const deep = JSON.parse(`${'['.repeat(65)}${']'.repeat(65)}`) as unknown
  const answer = await ask({ ...VARIABLE, variables: { text: deep } }, CALLER)
  expect(answer.status).toBe(400)
  expect(looked.variables).toBe(0)
})
