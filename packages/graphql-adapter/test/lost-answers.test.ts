import { afterEach, expect, test } from '@jest/globals'
import { cache, entityTag, memoryCacheStore } from '@headgate/core'
import { buildSchema } from 'graphql'
import { graphqlGateway } from '../src/gateway.js'
import { post, start, stopAll } from './server.js'

afterEach(stopAll)

const schema = buildSchema(`
  type Item { id: ID! name: String! cost: Float! }
  type Query { item(id: ID!): Item }
  type Mutation { rename(id: ID!, name: String!): Item  renameSurely(id: ID!, name: String!): Item! }
`)

test.each(['rename', 'renameSurely'])(
  'a mutation that did its work, and whose answer broke below it, is not taken for one that failed: %s',
  async (field) => {
    let name = 'old'
    const item = () => ({
      id: '1',
      name,
      cost() {
        throw new Error('no cost')
      },
    })
    const rename = (args: { name: string }) => {
      name = args.name
      return item()
    }
    const { url } = await start(
      graphqlGateway({
        schema,
        rootValue: { item, rename, renameSurely: rename },
        policies: [cache({ store: memoryCacheStore() })],
        rules: {
          'Query.item': { cache: { ttl: '1m' } },
          [`Mutation.${field}`]: { invalidates: ({ id }: { id: string }) => [entityTag('Item', id)] },
        },
      }),
    )
    const read = async () => (await post(`${url}/graphql`, { query: '{ item(id: "1") { name } }' })).json()
    expect(await read()).toEqual({ data: { item: { name: 'old' } } })
    const broken = await post(`${url}/graphql`, {
      query: `mutation { ${field}(id: "1", name: "new") { name cost } }`,
    })
    expect(await broken.json()).toMatchObject({ errors: [{ path: [field, 'cost'] }] })
    expect(await read()).toEqual({ data: { item: { name: 'new' } } })
  },
)
