import DataLoader from 'dataloader'
import type { Inventory } from '../inventory.js'
import type { Item } from '../items.js'
import type { Order } from '../users.js'

/** Batches what a query asks for one by one. Made for each request: they remember, and must not mix callers. */
export interface Loaders {
  readonly items: DataLoader<string, Item | undefined>
  readonly orders: DataLoader<string, readonly Order[]>
}

/** The loaders of one request. */
export function createLoaders({ items, users }: Inventory): Loaders {
  return {
    items: new DataLoader((ids) => items.getMany(ids)),
    orders: new DataLoader((userIds) => users.ordersOf(userIds)),
  }
}
