/** A customer. */
export interface User {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly subscription: Subscription
}

/** What a customer pays for. */
export interface Subscription {
  readonly plan: 'free' | 'team' | 'enterprise'
  readonly status: 'active' | 'past_due' | 'cancelled'
}

/** A customer bought an item. The item may be gone by now. */
export interface Order {
  readonly id: string
  readonly userId: string
  readonly itemId: string
}

/** The customers and what they bought. Asynchronous, as a database would be. */
export interface Users {
  get(id: string): Promise<User | undefined>
  /** The orders of several users at once: one list for each id, in the order of the ids. */
  ordersOf(userIds: readonly string[]): Promise<readonly (readonly Order[])[]>
}

/** Customers in memory. */
export function createUsers(users: readonly User[], orders: readonly Order[]): Users {
  const byId = new Map(users.map((user) => [user.id, user]))
  return {
    get: async (id) => byId.get(id),
    ordersOf: async (userIds) => userIds.map((userId) => orders.filter((order) => order.userId === userId)),
  }
}
