import { beforeEach, describe, expect, test } from '@jest/globals'
import { execute, type ExecutionResult, type GraphQLSchema, parse, validateSchema } from 'graphql'
import { createInventory, createLoaders, type Inventory, inventorySchema } from '../../src/index.js'

let inventory: Inventory
let schema: GraphQLSchema

beforeEach(() => {
  inventory = createInventory()
  schema = inventorySchema(inventory)
})

async function run(document: string, variableValues: Record<string, unknown> = {}): Promise<ExecutionResult> {
  const contextValue = { loaders: createLoaders(inventory) }
  const result = await execute({ schema, document: parse(document), variableValues, contextValue })
  return JSON.parse(JSON.stringify(result)) as ExecutionResult
}

describe('the schema', () => {
  test('is valid', () => {
    expect(validateSchema(schema)).toEqual([])
  })

  test('gives a user with subscription and orders', async () => {
    const query = `query GetUser($id: ID!) {
      user(id: $id) { name email subscription { plan status } orders { item { name } } }
    }`
    expect(await run(query, { id: 'user-1' })).toEqual({
      data: {
        user: {
          name: 'Ada Lovelace',
          email: 'ada@example.com',
          subscription: { plan: 'team', status: 'active' },
          orders: [{ item: { name: 'Desk lamp' } }, { item: { name: 'Standing desk' } }],
        },
      },
    })
    expect(await run(query, { id: 'nobody' })).toEqual({ data: { user: null } })
  })

  test('asks the data once for all orders and once for all items of a query', async () => {
    const asked: string[] = []
    const { items, users } = inventory
    schema = inventorySchema(
      (inventory = {
        items: { ...items, getMany: (ids) => (asked.push(`items ${ids.length}`), items.getMany(ids)) },
        users: { ...users, ordersOf: (ids) => (asked.push(`orders ${ids.length}`), users.ordersOf(ids)) },
      }),
    )
    await run(`{
      a: user(id: "user-1") { orders { item { name } } }
      b: user(id: "user-2") { orders { item { name } } }
    }`)
    expect(asked).toEqual(['orders 2', 'items 2'])
  })

  test('an order outlives its item', async () => {
    await inventory.items.remove('item-1')
    expect(await run('{ user(id: "user-2") { orders { item { name } } } }')).toEqual({
      data: { user: { orders: [{ item: null }] } },
    })
  })

  test('checks an input with the contract of REST and names each problem', async () => {
    const { errors } = await run('mutation { createItem(input: { name: "a", price: -1 }) { id } }')
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/name' }, { pointer: '/price' }],
    })
  })

  test('applies the business rule of REST', async () => {
    const { errors } = await run('mutation { createItem(input: { name: "Crown", price: 10001 }) { id } }')
    expect(errors?.[0]?.message).toBe('High-value items require manual approval workflow.')
  })

  test('changes and deletes', async () => {
    const change = 'mutation { updateItem(id: "item-1", input: { price: 35 }) { price name } }'
    expect(await run(change)).toEqual({ data: { updateItem: { price: 35, name: 'Desk lamp' } } })
    const remove = 'mutation { deleteItem(id: "item-1") }'
    expect(await run(remove)).toEqual({ data: { deleteItem: 'item-1' } })
    expect(await run(remove)).toEqual({ data: { deleteItem: null } })
  })

  test.each([-1, 101])('a list of %i items is refused', async (first) => {
    const { errors } = await run('query ($first: Int) { items(first: $first) { id } }', { first })
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT' })
  })
})
