export { ManualClock } from './manual-clock.js'
export { type ExchangeInit, literalExchange, type LiteralExchange } from './exchange.js'
export {
  type IdempotencyStoreCase,
  type IdempotencyStoreFactory,
  idempotencyStoreSuite,
} from './idempotency-store-suite.js'
export type { IdempotencyShareBounds } from './idempotency-share-cases.js'
export {
  type RateLimitStoreCase,
  type RateLimitStoreFactory,
  rateLimitStoreSuite,
} from './rate-limit-store-suite.js'
export { modelRateLimitStore } from './rate-limit-model.js'
export {
  type CacheStoreBounds,
  type CacheStoreCase,
  type CacheStoreFactory,
  cacheStoreSuite,
} from './cache-store-suite.js'
export {
  type ReplayStoreBounds,
  type ReplayStoreCase,
  type ReplayStoreFactory,
  replayStoreSuite,
} from './replay-store-suite.js'
export { type Scenario, gateScenarios } from './scenarios/scenarios.js'
export type { ScenarioAction, ScenarioProtocol, ScenarioRequest } from './scenarios/protocol.js'
export { ScenarioItems, type ScenarioItem } from './scenarios/items.js'
export { signRequest, type SignRequestInit } from './sign-request.js'
