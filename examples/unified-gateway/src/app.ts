import {
  createInventory,
  type DevelopmentIssuer,
  developmentRouter,
  health,
  type Inventory,
  inventoryGraphql,
  inventoryRouter,
} from '@headgate-example/inventory'
import {
  authenticate,
  cache,
  type Clock,
  createReadiness,
  gate,
  idempotency,
  jwt,
  type JwtOptions,
  memoryStores,
  rateLimit,
  type Readiness,
  systemClock,
} from '@headgate/core'
import { graphql } from '@headgate/graphql-adapter'
import { rest } from '@headgate/rest-adapter'
import Koa from 'koa'

/** What the gateway is made of. */
export interface AppOptions {
  /** Whose access tokens are accepted. */
  readonly tokens: Pick<JwtOptions, 'issuer' | 'audience' | 'jwks'>
  /** Gives tokens to anybody at `POST /dev/token`. Default: nobody does. */
  readonly developmentIssuer?: DevelopmentIssuer
  /** Default: a new one, in memory. */
  readonly inventory?: Inventory
  /** What `GET /readyz` says. Default: always ready. */
  readonly readiness?: Readiness
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The inventory over REST and GraphQL behind one gate: a caller has one identity, budget and cache in both. */
export function createApp(options: AppOptions): Koa {
  const { tokens, developmentIssuer, clock = systemClock } = options
  const { inventory = createInventory(), readiness = createReadiness() } = options
  const stores = memoryStores({ clock })
  const policies = [
    authenticate([jwt({ ...tokens, clock })]),
    rateLimit({
      store: stores.rateLimit,
      quotas: [{ name: 'caller', limit: 300, window: '1m', burst: 100 }],
    }),
    idempotency({ store: stores.idempotency, clock }),
    cache({ store: stores.cache, clock }),
  ]

  const router = inventoryRouter(inventory)
  if (developmentIssuer !== undefined) router.use(developmentRouter(developmentIssuer).routes())

  const app = new Koa()
  app.use(health(readiness))
  app.use(
    gate(policies, {
      requestId: 'x-request-id',
      channels: [graphql({ path: '/graphql', ...inventoryGraphql(inventory) }), rest(router)],
    }),
  )
  return app
}
