import { type NewId, randomId } from '@headgate/core'

/** A thing in the inventory. */
export interface Item {
  readonly id: string
  readonly name: string
  readonly price: number
  readonly category: string | undefined
  readonly status: 'active'
}

/** What a caller says of a new item. */
export type ItemDraft = Pick<Item, 'name' | 'price'> & Partial<Pick<Item, 'category'>>

/** What a caller changes of an item. A member that is absent stays as it is. */
export type ItemChange = Partial<ItemDraft>

/** The items. Asynchronous, as a database would be. */
export interface Items {
  /** In the order they were made. */
  list(first: number): Promise<readonly Item[]>
  /** One entry for each id, in the order of the ids. */
  getMany(ids: readonly string[]): Promise<readonly (Item | undefined)[]>
  get(id: string): Promise<Item | undefined>
  /** @throws ApprovalRequired */
  create(draft: ItemDraft): Promise<Item>
  /**
   * @returns the changed item, or `undefined` when there is none.
   * @throws ApprovalRequired
   */
  update(id: string, change: ItemChange): Promise<Item | undefined>
  /** @returns whether there was one. */
  remove(id: string): Promise<boolean>
}

/** The highest price that needs nobody's approval. */
export const HIGHEST_PRICE = 10_000

/**
 * A business rule's "no". Koa, and so the gate, shows an error to the client when it has a `status` and says
 * `expose`.
 */
export class ApprovalRequired extends Error {
  readonly status = 400
  readonly expose = true

  constructor() {
    super('High-value items require manual approval workflow.')
  }
}

/** Items in memory. They are gone when the process ends. */
export function createItems(seeds: readonly Item[] = [], newId: NewId = randomId): Items {
  const items = new Map(seeds.map((item) => [item.id, item]))
  return {
    list: async (first) => [...items.values()].slice(0, first),
    getMany: async (ids) => ids.map((id) => items.get(id)),
    get: async (id) => items.get(id),
    async create({ name, price, category }) {
      requireNoApproval(price)
      const item: Item = { id: newId(), name, price, category, status: 'active' }
      items.set(item.id, item)
      return item
    },
    async update(id, change) {
      const item = items.get(id)
      if (item === undefined) return undefined
      const changed = { ...item, ...change }
      requireNoApproval(changed.price)
      items.set(id, changed)
      return changed
    },
    remove: async (id) => items.delete(id),
  }
}

function requireNoApproval(price: number): void {
  if (price > HIGHEST_PRICE) throw new ApprovalRequired()
}
