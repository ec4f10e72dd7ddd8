import type { NewId } from '@headgate/core'
import { createItems, type Item, type Items } from './items.js'
import { createUsers, type Order, type User, type Users } from './users.js'

/** All that the example gateways serve. Both protocols work on the same data. */
export interface Inventory {
  readonly items: Items
  readonly users: Users
}

/** What an inventory can be given. */
export interface InventoryOptions {
  /** Makes the ids of new items. Default: random UUIDs. */
  readonly newId?: NewId
}

/** Makes an inventory in memory with a few items, users and orders in it. */
export function createInventory(options: InventoryOptions = {}): Inventory {
  return { items: createItems(ITEMS, options.newId), users: createUsers(USERS, ORDERS) }
}

const ITEMS: readonly Item[] = [
  { id: 'item-1', name: 'Desk lamp', price: 39.5, category: 'lighting', status: 'active' },
  { id: 'item-2', name: 'Standing desk', price: 649, category: 'furniture', status: 'active' },
  { id: 'item-3', name: 'Notebook', price: 4.2, category: undefined, status: 'active' },
]

const USERS: readonly User[] = [
  {
    id: 'user-1',
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    subscription: { plan: 'team', status: 'active' },
  },
  {
    id: 'user-2',
    name: 'Grace Hopper',
    email: 'grace@example.com',
    subscription: { plan: 'free', status: 'cancelled' },
  },
]

const ORDERS: readonly Order[] = [
  { id: 'order-1', userId: 'user-1', itemId: 'item-1' },
  { id: 'order-2', userId: 'user-1', itemId: 'item-2' },
  { id: 'order-3', userId: 'user-2', itemId: 'item-1' },
]
