import { z } from 'zod'

const name = z.string().trim().min(2).max(100)
const price = z.number().positive()
const category = z.string().trim().min(1).max(50)

/** What a new item must look like. REST checks the body with it, GraphQL the input. */
export const ItemCreate = z.strictObject({ name, price, category: category.exactOptional() })

/** What a change of an item must look like: at least one member. */
export const ItemPatch = z
  .strictObject({
    name: name.exactOptional(),
    price: price.exactOptional(),
    category: category.exactOptional(),
  })
  .refine((change) => Object.keys(change).length > 0, { message: 'Name at least one member to change.' })
