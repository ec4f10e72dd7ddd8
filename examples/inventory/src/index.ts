// The domain
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

// Its two protocols
export { inventoryRouter } from './rest.js'
export { inventoryGraphql } from './graphql/gateway.js'
export { inventorySchema } from './graphql/schema.js'
export { createLoaders, type Loaders } from './graphql/loaders.js'

// Development
export {
  type DevelopmentIssuer,
  developmentIssuer,
  type DevelopmentIssuerOptions,
  type TokenRequest,
} from './development-issuer.js'
export { developmentRouter } from './development-routes.js'

// The server
export { type Address, readAddress, readTokenSource, type TokenSource } from './server/settings.js'
export { type KeySource, readKeySource } from './server/key-source.js'
export { health } from './server/health.js'
export { start } from './server/start.js'
