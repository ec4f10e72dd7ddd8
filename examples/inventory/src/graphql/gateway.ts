import { entityTag, listTag } from '@headgate/core'
import type { GraphqlOptions } from '@headgate/graphql-adapter'
import type { Inventory } from '../inventory.js'
import { createLoaders, type Loaders } from './loaders.js'
import { inventorySchema } from './schema.js'

/** What the inventory says of itself to a GraphQL channel. */
export type InventoryGraphql = Pick<GraphqlOptions<Loaders>, 'schema' | 'loaders' | 'rules'>

/**
 * The inventory over GraphQL. What a root field demands, costs and touches stands at its schema coordinate; the
 * entities and lists in an answer are found by the adapter.
 */
export function inventoryGraphql(inventory: Inventory): InventoryGraphql {
  return {
    schema: inventorySchema(inventory),
    loaders: () => createLoaders(inventory),
    rules: {
      'Query.item': { scopes: ['items:read'], cache: { ttl: '1m' } },
      'Query.items': { scopes: ['items:read'], cache: { ttl: '1m' } },
      'Query.user': { scopes: ['users:read'], cache: { ttl: '1m' } },
      'Mutation.createItem': {
        scopes: ['items:write'],
        cost: 5,
        invalidates: () => [listTag('Item')],
      },
      'Mutation.updateItem': { scopes: ['items:write'], cost: 5 },
      'Mutation.deleteItem': {
        scopes: ['items:write'],
        cost: 5,
        invalidates: ({ id }: { id: string }) => [entityTag('Item', id), listTag('Item')],
      },
    },
  }
}
