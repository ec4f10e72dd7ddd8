export { createInventory, type Inventory, type InventoryOptions } from './inventory.js'
export {
  ApprovalRequired,
  HIGHEST_PRICE,
  type Item,
  type ItemChange,
  type ItemDraft,
  type Items,
} from './items.js'
export type { Order, Subscription, User, Users } from './users.js'
export { ItemCreate, ItemPatch } from './contracts.js'
export { inventorySchema } from './graphql/schema.js'
export { createLoaders, type Loaders } from './graphql/loaders.js'
export {
  type DevelopmentIssuer,
  developmentIssuer,
  type DevelopmentIssuerOptions,
  type TokenRequest,
} from './development-issuer.js'
export { createReadiness, health, type Readiness } from './server/readiness.js'
export { serve, type ServeOptions, type Serving } from './server/serve.js'
export { start } from './server/start.js'
