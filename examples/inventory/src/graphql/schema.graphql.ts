/** The inventory in GraphQL's words. */
export const typeDefs = /* GraphQL */ `
  type Query {
    item(id: ID!): Item
    "The first items, in the order they were made; at most 100."
    items(first: Int = 20): [Item!]!
    user(id: ID!): User
  }

  type Mutation {
    createItem(input: ItemCreate!): Item!
    "Null when there is no such item."
    updateItem(id: ID!, input: ItemPatch!): Item
    "The id of the item that is gone; null when there was none."
    deleteItem(id: ID!): ID
  }

  type Item {
    id: ID!
    name: String!
    price: Float!
    category: String
    status: ItemStatus!
  }

  enum ItemStatus {
    active
  }

  type User {
    id: ID!
    name: String!
    email: String!
    subscription: Subscription!
    orders: [Order!]!
  }

  type Subscription {
    plan: String!
    status: String!
  }

  type Order {
    id: ID!
    "Null when the item is gone."
    item: Item
  }

  input ItemCreate {
    name: String!
    price: Float!
    category: String
  }

  input ItemPatch {
    name: String
    price: Float
    category: String
  }
`
