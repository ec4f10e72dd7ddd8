import { GraphQLError } from 'graphql'
import type { ZodType } from 'zod'
import { ItemCreate, ItemPatch } from '../contracts.js'
import type { Inventory } from '../inventory.js'
import type { Order, User } from '../users.js'
import type { Loaders } from './loaders.js'

/** What a resolver finds in its third argument. */
export interface ResolverContext {
  readonly loaders: Loaders
}

/** The most items a list gives at once. */
const MOST_ITEMS = 100

/** How each field gets its value; a field that is not here is the member of the same name. */
export function createResolvers({ items, users }: Inventory) {
  return {
    Query: {
      item: (_root: unknown, { id }: { id: string }) => items.get(id),
      items: (_root: unknown, { first }: { first: number | null }) => items.list(pageSize(first)),
      user: (_root: unknown, { id }: { id: string }) => users.get(id),
    },
    Mutation: {
      createItem: (_root: unknown, { input }: { input: unknown }) => items.create(check(ItemCreate, input)),
      updateItem: (_root: unknown, { id, input }: { id: string; input: unknown }) =>
        items.update(id, check(ItemPatch, input)),
      deleteItem: async (_root: unknown, { id }: { id: string }) => ((await items.remove(id)) ? id : null),
    },
    User: {
      orders: ({ id }: User, _args: unknown, { loaders }: ResolverContext) => loaders.orders.load(id),
    },
    Order: {
      item: ({ itemId }: Order, _args: unknown, { loaders }: ResolverContext) => loaders.items.load(itemId),
    },
  }
}

function pageSize(first: number | null): number {
  if (first !== null && first >= 0 && first <= MOST_ITEMS) return first
  throw new GraphQLError(`first must be between 0 and ${MOST_ITEMS}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  })
}

/** The contract that REST applies to a body, with the same problems in the same form. */
function check<T>(contract: ZodType<T>, input: unknown): T {
  const { success, data, error } = contract.safeParse(input)
  if (success) return data
  const errors = error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key)}`).join(''),
    detail: message,
  }))
  throw new GraphQLError('The input does not meet the contract.', {
    extensions: { code: 'VALIDATION_FAILED', errors },
  })
}
