import { afterEach, describe, expect, test } from '@jest/globals'
import { GraphQLError, NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql'
import { graphql } from '../src/graphql.js'
import { endpoint, read } from './endpoint.js'
import { inventorySchema } from './inventory.js'
import { post, stopAll } from './server.js'

afterEach(stopAll)

const GRAPHQL = 'application/graphql-response+json'

/** What becomes of a query under rules of the service's own. */
async function ask(query: string, validationRules: readonly ValidationRule[]) {
  const { url } = await endpoint({ validationRules })
  const answer = await post(url, { query }, { accept: GRAPHQL })
  const { errors } = await read(answer)
  return [answer.status, errors?.[0]?.extensions.code]
}

describe("rules of the service's own", () => {
  test("refuse what GraphQL's own allow, and take nothing from them", async () => {
    const rules = [NoSchemaIntrospectionCustomRule]
    const refused = [400, 'GRAPHQL_VALIDATION_FAILED']
    expect(await ask('{ __schema { queryType { name } } }', rules)).toEqual(refused)
    expect(await ask('{ nothing }', rules)).toEqual(refused)
    expect(await ask('{ whoami __typename }', rules)).toEqual([200, undefined])
    expect(await ask('{ __schema { queryType { name } } }', [])).toEqual([200, undefined])
  })

  test('are asked once for a document, and not for one that is refused before', async () => {
    let asked = 0
    const counting: ValidationRule = () => ((asked += 1), {})
    const { url } = await endpoint({ validationRules: [counting], maxDepth: 3 })
    for (let request = 0; request < 3; request += 1) await post(url, { query: '{ whoami }' })
    await post(url, { query: '{ viewer { orders { lines { item { id } } } } }' })
    expect(asked).toBe(1)
  })

  test.each([
    ['an error of GraphQL', () => new GraphQLError('no'), 'GRAPHQL_VALIDATION_FAILED'],
    ['any other', () => new Error('connect ECONNREFUSED db'), 'GRAPHQL_DOCUMENT_TOO_COMPLEX'],
  ])('may throw %s: the document is refused', async (_, error, code) => {
    const throwing: ValidationRule = () => {
      throw error()
    }
    expect(await ask('{ whoami }', [throwing])).toEqual([400, code])
  })

  test.each([[null], [[{}]], ['x'], [NoSchemaIntrospectionCustomRule]])(
    'can not be %p',
    (validationRules) => {
      const options = { schema: inventorySchema(), validationRules: validationRules as never }
      expect(() => graphql(options)).toThrow('graphql: validationRules must be an array of functions')
    },
  )
})
