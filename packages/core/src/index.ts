// The gate
export { composeGate, type Gate, type GateSetting } from './gate.js'
export { type Channel, exchangeOf, gate, type GateOptions, identityOf, requestIdOf } from './koa.js'
export { type Exchange, type Incoming, type Next, type Policy, type Stage, STAGES } from './exchange.js'
export { type Answer, type Body, keepHeadersOnError, type Reply, withHeaders } from './reply.js'
export type { Fields } from './fields.js'
export {
  type Access,
  type CacheRule,
  createOperation,
  type Demand,
  type Effect,
  effectOf,
  isCacheableMethod,
  type Operation,
  type OperationInit,
} from './operation.js'
export {
  accessOf,
  checkDeclaration,
  checkDemands,
  type Declaration,
  DECLARATION_MEMBERS,
  type DeclaredOperation,
} from './declaration.js'
export { isRefusal, type Refusal, type RefusalCode, type RefusalInit, REFUSALS, refuse } from './refusal.js'
export type { GateEvent, ReportedEvent } from './events.js'
export { entityTag, listTag, type Tag } from './tag.js'
export { keyOf } from './key.js'
export { type Clock, systemClock } from './clock.js'
export { type NewId, randomId } from './id.js'
export { type Duration, milliseconds } from './duration.js'
export { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods, checkText } from './options.js'

// HTTP, for channels
export type { HandlerError } from './http/answer.js'
export type { TrustedProxies } from './http/address.js'
export { EXPIRY_DEFAULTS, type ExpiryOptions } from './http/expiry.js'
export type { AnswerCut, AnswerEvent } from './http/events.js'
export type { KoaProxy } from './http/koa-proxy.js'
export { fingerprintOf, type OperationHints } from './http/channel.js'
export { problemAnswer, renderProblem } from './http/problem.js'

// The server
export { createReadiness, type Readiness } from './serve/readiness.js'
export { type Drainable, serve, serveOn, type Servable, type Serving } from './serve/serve.js'
export { SERVE_DEFAULTS, type ServeOnOptions, type ServeOptions } from './serve/options.js'
export type { RequestHandler } from './serve/listener.js'
export type { StopCause } from './serve/process.js'

// Who
export { ANONYMOUS, createIdentity, type Identity, type IdentityInit, isAnonymous } from './auth/identity.js'
export { authenticate } from './auth/authenticate.js'
export { AUTHENTICATE_DEFAULTS, type AuthenticateOptions } from './auth/authenticate-options.js'
export { FAILURE_DEFAULTS, type FailureOptions, type FailureQuota } from './auth/failures.js'
export {
  type ProtectedResource,
  protectedResource,
  type ProtectedResourceOptions,
} from './auth/protected-resource.js'
export { authorize, type Requirements } from './auth/authorize.js'
export { alternativesOf } from './auth/demand.js'
export {
  type Accepted,
  accepted,
  type CredentialPlace,
  type Rejected,
  rejected,
  type RejectionDetail,
  type Scheme,
  type SchemeChallenge,
  type Undecided,
  undecided,
  type Verdict,
} from './auth/scheme.js'
export {
  API_KEY_DEFAULTS,
  apiKey,
  type ApiKeyCacheOptions,
  type ApiKeyOptions,
  type ApiKeyScheme,
} from './auth/api-key.js'
export { apiKeyDigest } from './auth/api-key-digest.js'
export { createApiKey, type IssuedApiKey } from './auth/api-key-form.js'
export {
  type ApiKeyFileEvent,
  FILE_API_KEYS_DEFAULTS,
  fileApiKeys,
  type FileApiKeys,
  type FileApiKeysOptions,
} from './auth/api-key-file.js'
export { memoryApiKeys, type MemoryApiKeys } from './auth/api-key-memory.js'
export type { ApiKeyLookup, ApiKeyQuery, ApiKeyRecord } from './auth/api-key-record.js'
export {
  REVOCATION_LIST_DEFAULTS,
  type RevocationEvent,
  type RevocationFeed,
  type RevocationList,
  revocationList,
  type RevocationListOptions,
} from './auth/revocation-list.js'
export type { IsRevoked } from './auth/revocation.js'
export type { Revocation, RevokedCredential, RevokedSubject } from './auth/revoked-set.js'
export {
  basic,
  BASIC_DEFAULTS,
  type BasicLookup,
  type BasicOptions,
  type BasicRecord,
} from './auth/basic/basic.js'
export { hashPassword } from './auth/basic/password.js'
export type { SignatureAlgorithm } from './auth/http-signature/algorithms.js'
export type { StructuredType } from './auth/http-signature/component-values.js'
export { httpSignature } from './auth/http-signature/http-signature.js'
export { HTTP_SIGNATURE_DEFAULTS, type HttpSignatureOptions } from './auth/http-signature/options.js'
export type { SignatureKey, SignatureKeyLookup } from './auth/http-signature/signature-key.js'
export { dpop } from './auth/dpop/dpop.js'
export { DPOP_DEFAULTS, type DpopNonceOptions, type DpopOptions } from './auth/dpop/options.js'
export type { TokenScheme } from './auth/token-scheme.js'
export { introspection } from './auth/introspection/introspection.js'
export {
  type AskInit,
  type AskServer,
  INTROSPECTION_DEFAULTS,
  type IntrospectionEvent,
  type IntrospectionFailure,
  type IntrospectionOptions,
} from './auth/introspection/options.js'
export { jwt } from './auth/jwt/jwt.js'
export { JWT_DEFAULTS, type JwtOptions } from './auth/jwt/options.js'
export type { PublicKeyAlgorithm } from './auth/jwt/algorithms.js'
export type { JsonWebKeySet, PublicKey } from './auth/jwt/key-source.js'
export {
  type KeySetEvent,
  REMOTE_JWKS_DEFAULTS,
  type RemoteJwks,
  remoteJwks,
  type RemoteJwksOptions,
} from './auth/jwt/remote-jwks.js'
export type { FetchInit, FetchKeys } from './auth/jwt/fetch-jwks.js'
export type { KeySetStatus } from './auth/jwt/jwks-keeper.js'
export type { FetchFailure, KeySetState } from './auth/jwt/kept-keys.js'
export type { WebhookFormName } from './auth/webhook-signature/forms.js'
export {
  WEBHOOK_SIGNATURE_DEFAULTS,
  type WebhookLookup,
  type WebhookSender,
  type WebhookSignatureOptions,
} from './auth/webhook-signature/options.js'
export { webhookSignature } from './auth/webhook-signature/webhook-signature.js'
export type { Remembered, ReplayStore } from './auth/replay-store.js'
export {
  MEMORY_REPLAY_DEFAULTS,
  memoryReplayStore,
  type MemoryReplayStoreOptions,
} from './stores/memory/replay.js'
export type { AuthAccepted, AuthEvent, AuthRefused, AuthStoreFailed, RejectionReason } from './auth/events.js'

// How much
export { rateLimit, type RateLimitPolicy } from './rate-limit/rate-limit.js'
export type { BlockReach } from './rate-limit/decider.js'
export { RATE_LIMIT_DEFAULTS, type RateLimitOptions } from './rate-limit/options.js'
export { HOT_DENY_DEFAULTS, hotDeny, type HotDenyOptions } from './rate-limit/hot-deny.js'
export { LEASE_DEFAULTS, leased, type LeasedStore, type LeaseOptions } from './rate-limit/leased.js'
export type { Budget } from './rate-limit/budget.js'
export type { CallerList, IdentityPattern } from './rate-limit/caller-list.js'
export type { FieldsVersion } from './rate-limit/fields.js'
export type { Quota, QuotaAlgorithm } from './rate-limit/quota.js'
export type { QuotaKey } from './rate-limit/quota-key.js'
export type { CalendarWindow } from './rate-limit/quota-window.js'
export { concurrencyLimit } from './concurrency/concurrency-limit.js'
export {
  CONCURRENCY_DEFAULTS,
  type ConcurrencyLimitOptions,
  type ConcurrencyQuota,
} from './concurrency/options.js'
export type { ConcurrencyEvent } from './concurrency/events.js'
export { shedLoad, SHED_LOAD_DEFAULTS, type ShedLoadOptions } from './load-shedding/shed-load.js'
export type { LoadPriority, LoadShedEvent } from './load-shedding/events.js'
export type { EventLoopGauge } from './load-shedding/event-loop-gauge.js'
export type { RateLimitEvent } from './rate-limit/events.js'
export type { CalendarRate, GcraRate, Rate, WindowRate } from './rate-limit/rate.js'
export {
  type BudgetStore,
  type ConsumeOptions,
  MOST_RESERVATIONS,
  type QuotaState,
  type RateLimitCharge,
  type RateLimitDecision,
  type RateLimitReceipt,
  type RateLimitStore,
  type SlotDecision,
  type SlotHold,
  type SlotRequest,
  type SlotStore,
} from './rate-limit/store.js'
export {
  MEMORY_RATE_LIMIT_DEFAULTS,
  type MemoryRateLimitStore,
  memoryRateLimitStore,
  type MemoryRateLimitStoreOptions,
} from './stores/memory/rate-limit.js'

// Was it done before
export { idempotency, type IdempotencyPolicy } from './idempotency/idempotency.js'
export { IDEMPOTENCY_DEFAULTS, type IdempotencyOptions } from './idempotency/options.js'
export type { IdempotencyEvent, IdempotencyUnknownReason } from './idempotency/events.js'
export type {
  ClaimVerdict,
  CompletionVerdict,
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyStore,
} from './idempotency/store.js'
export { memoryIdempotencyStore } from './stores/memory/idempotency.js'
export {
  MEMORY_IDEMPOTENCY_DEFAULTS,
  type MemoryIdempotencyStoreOptions,
} from './stores/memory/idempotency-options.js'

// Is it known
export { cache, CACHE_DEFAULTS, type CacheOptions } from './cache/cache.js'
export { invalidateTags } from './cache/tags.js'
export type { CacheEvent } from './cache/events.js'
export type { CacheBypassReason, CacheNotStoredReason } from './cache/reasons.js'
export type {
  CacheFill,
  CacheFillOutcome,
  CacheLookup,
  CacheStore,
  SelectVariant,
  StoredAnswer,
} from './cache/store.js'
export {
  MEMORY_CACHE_DEFAULTS,
  memoryCacheStore,
  type MemoryCacheStoreOptions,
} from './stores/memory/cache.js'

// State in one process
export { memoryStores, type MemoryStores, type MemoryStoresOptions } from './stores/memory/index.js'
