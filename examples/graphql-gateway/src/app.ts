import { createInventory, health, type Inventory, inventoryGraphql } from '@headgate-example/inventory'
import {
  apiKey,
  type ApiKeyLookup,
  authenticate,
  cache,
  type Clock,
  createReadiness,
  idempotency,
  memoryStores,
  rateLimit,
  type Readiness,
  systemClock,
} from '@headgate/core'
import { graphqlGateway } from '@headgate/graphql-adapter'
import Koa from 'koa'

/** What the gateway is made of. */
export interface AppOptions {
  /** Finds the record of an API key. */
  readonly apiKeys: ApiKeyLookup
  /** Default: a new one, in memory. */
  readonly inventory?: Inventory
  /** What `GET /readyz` says. Default: always ready. */
  readonly readiness?: Readiness
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The inventory over GraphQL behind a gate, for callers with an API key. */
export function createApp(options: AppOptions): Koa {
  const { apiKeys, clock = systemClock } = options
  const { inventory = createInventory(), readiness = createReadiness() } = options
  const stores = memoryStores({ clock })
  const policies = [
    authenticate([apiKey({ lookup: apiKeys, clock })]),
    rateLimit({
      store: stores.rateLimit,
      quotas: [{ name: 'caller', limit: 300, window: '1m', burst: 100 }],
    }),
    idempotency({ store: stores.idempotency, clock }),
    cache({ store: stores.cache, clock }),
  ]

  const app = new Koa()
  app.use(health(readiness))
  app.use(graphqlGateway({ ...inventoryGraphql(inventory), policies }))
  return app
}
