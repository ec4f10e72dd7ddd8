import DataLoader from 'dataloader'
import { buildSchema, type GraphQLSchema } from 'graphql'
import type { GraphqlContext } from '../src/context.js'

/** Items, users and orders, with everything a tag plan has to see: lists, connections, interfaces, unions. */
export const TYPE_DEFS = /* GraphQL */ `
  interface Node {
    id: ID!
  }
  type Item implements Node {
    id: ID!
    name: String!
    price: Float!
    seller: User
    related: [Item!]!
  }
  type User implements Node {
    id: ID!
    name: String!
    email: String
    orders: [Order!]!
    items: ItemConnection!
    favourites: [Thing]
    favourite: Item
    secret: String
  }
  type Order {
    number: Int!
    lines: [Line!]!
  }
  type Line {
    quantity: Int!
    item: Item
  }
  type ItemConnection {
    total: Int!
    edges: [ItemEdge!]!
  }
  type ItemEdge {
    cursor: String!
    node: Item
  }
  type Notice {
    text: String!
  }
  union Thing = Item | User | Notice
  input ItemInput {
    name: String!
    price: Float = 1
    labels: [String!]
  }
  enum Sort {
    NAME
    PRICE
  }
  scalar Json
  type Query {
    item(id: ID!): Item
    items(first: Int = 10, sort: Sort): [Item!]!
    user(id: ID!): User
    users: [User]
    node(id: ID!): Node
    search(text: String, filter: ItemInput, raw: Json): [Thing!]!
    viewer: User
    whoami: String
    broken: String
    strict: String!
    exposed: String
  }
  type Mutation {
    createItem(input: ItemInput!): Item!
    renameItem(id: ID!, name: String!): Item
    removeItem(id: ID!): Boolean
    signIn(name: String!): String
    fail: Item!
    failSoftly: Item
  }
  type Subscription {
    ticks: Int!
  }
`

export interface ItemRow {
  readonly __typename: 'Item'
  readonly id: string
  name: string
  price: number
  readonly sellerId: string
}

export interface Loaders {
  readonly items: DataLoader<string, ItemRow | undefined>
}

type Context = GraphqlContext<Loaders>

/** An inventory of its own for each test; `calls` counts what resolvers did. */
export function inventory() {
  const items = new Map<string, ItemRow>()
  const calls: string[] = []
  const batches: (readonly string[])[] = []
  const add = (name: string, price: number, sellerId = 'u1'): ItemRow => {
    const row: ItemRow = { __typename: 'Item', id: String(items.size + 1), name, price, sellerId }
    items.set(row.id, row)
    return row
  }
  add('Lamp', 20)
  add('Chair', 45)

  const itemOf = (row: ItemRow | undefined): object | undefined =>
    row && {
      ...row,
      seller: () => userOf(row.sellerId),
      related: () => [...items.values()].filter(({ id }) => id !== row.id).map(itemOf),
    }
  const userOf = (id: string): object | undefined =>
    id === 'u1' || id === 'u2'
      ? {
          __typename: 'User',
          id,
          name: `User ${id}`,
          email: `${id}@example.org`,
          secret: () => {
            throw new Error('connect ECONNREFUSED db.internal:5432')
          },
          orders: () => [
            {
              number: 7,
              lines: [...items.keys()].map((key) => ({
                quantity: 1,
                item: (_: object, { loaders }: Context) => loaders.items.load(key),
              })),
            },
            { number: 8, lines: [] },
          ],
          items: () => ({
            total: items.size,
            edges: [...items.values()].map((row) => ({ cursor: row.id, node: itemOf(row) })),
          }),
          favourite: () => itemOf(items.get('2')),
          favourites: () => [
            itemOf(items.get('1')),
            userOf('u2'),
            { __typename: 'Notice', text: 'hi' },
            null,
          ],
        }
      : undefined

  const rootValue = {
    item: ({ id }: { id: string }) => itemOf(items.get(id)),
    items: ({ first }: { first: number }) => [...items.values()].slice(0, first).map(itemOf),
    user: ({ id }: { id: string }) => userOf(id),
    users: () => [userOf('u1'), null, userOf('u2')],
    node: ({ id }: { id: string }) => userOf(id) ?? itemOf(items.get(id)),
    search: () => [itemOf(items.get('1')), userOf('u1'), { __typename: 'Notice', text: 'end' }],
    viewer: (_: object, { identity }: Context) => identity && userOf(identity.subject),
    whoami: (_: object, { identity }: Context) => identity?.subject,
    broken: () => {
      throw new Error('connect ECONNREFUSED db.internal:5432')
    },
    strict: () => null,
    exposed: () => {
      throw Object.assign(new Error('Not for you'), { expose: true, status: 403 })
    },
    createItem: ({ input }: { input: { name: string; price: number } }) => {
      calls.push('createItem')
      return itemOf(add(input.name, input.price))
    },
    renameItem: ({ id, name }: { id: string; name: string }) => {
      calls.push('renameItem')
      const row = items.get(id)
      if (row) row.name = name
      return itemOf(row)
    },
    removeItem: ({ id }: { id: string }) => {
      calls.push('removeItem')
      return items.delete(id)
    },
    signIn: () => {
      calls.push('signIn')
      return 'ok'
    },
    failSoftly: () => {
      throw new Error('connect ECONNREFUSED db.internal:5432')
    },
    fail: () => {
      calls.push('fail')
      throw new Error('connect ECONNREFUSED db.internal:5432')
    },
  }

  const loaders = (): Loaders => ({
    items: new DataLoader(async (ids: readonly string[]) => {
      batches.push(ids)
      return ids.map((id) => itemOf(items.get(id)) as ItemRow | undefined)
    }),
  })

  return { schema: inventorySchema(), rootValue, loaders, calls, batches, items }
}

/** The schema alone. */
export function inventorySchema(): GraphQLSchema {
  return buildSchema(TYPE_DEFS)
}
