import {
  apiKey,
  apiKeyDigest,
  type ApiKeyLookup,
  authenticate,
  type AuthenticateOptions,
  type BudgetStore,
  cache,
  type CacheStore,
  createReadiness,
  gate,
  idempotency,
  type IdempotencyStore,
  type Identity,
  introspection,
  jwt,
  memoryApiKeys,
  memoryStores,
  rateLimit,
  type RateLimitOptions,
  remoteJwks,
  type ReportedEvent,
  serve,
  type ServeOptions,
  type TrustedProxies,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { graphql } from '@headgate/graphql-adapter'
import { rest } from '@headgate/rest-adapter'
import Koa from 'koa'
import {
  AUDIENCE,
  createSigner,
  ISSUER,
  sign,
  type Signer,
} from '../../packages/core/test/auth/jwt/tokens.js'
import { type Endpoint, openEndpoint } from '../endpoint.js'
import { serve as serveBare } from '../http.js'
import { adding } from './protocols.js'
import { type Done, graphqlService, NOTHING_DONE, restService } from './service.js'
import { type Got, pipeline, send, type Sent } from './wire.js'

/** What of a whole gateway a test replaces. */
export interface TargetOptions {
  /** Default: a new one. */
  readonly clock?: ManualClock
  readonly lookup?: ApiKeyLookup
  readonly budgets?: BudgetStore
  readonly claims?: IdempotencyStore
  readonly answers?: CacheStore
  readonly limit?: Partial<RateLimitOptions>
  readonly authentication?: AuthenticateOptions
  readonly trustedProxies?: TrustedProxies
  readonly isRevoked?: (identity: Identity) => boolean
  readonly limits?: ServeOptions
  /** Default `well`. */
  readonly keys?: Parameters<Endpoint['become']>[0]
}

/** A whole gateway on sockets of its own, a clock that stands still, an issuer and an introspection endpoint. */
export interface Target {
  /** Behind `serve` of the core. */
  readonly port: number
  /** The same app behind a bare server of `node:http`. */
  readonly barePort: number
  readonly clock: ManualClock
  readonly done: Done
  readonly events: readonly ReportedEvent[]
  /** What Koa was given to print. */
  readonly errors: readonly unknown[]
  /** The issuer's keys: `signer` for ES256 and `rsa` for RS256. */
  readonly keys: Endpoint
  /** The issuer's key set: replace it to rotate. */
  published: readonly object[]
  readonly introspection: Endpoint
  readonly signer: Signer
  readonly rsa: Signer
  /** Sends a request, behind `serve`. */
  readonly send: (sent: Sent, ...fields: NonNullable<Sent['fields']>) => Promise<Got>
  readonly pipeline: (requests: readonly Sent[]) => Promise<readonly Got[]>
  /** A field with a good token of a subject. */
  readonly bearer: (subject?: string, scope?: string) => Promise<readonly ['Authorization', string]>
  close(): Promise<void>
}

/** Keys that begin so are of the generator's form, and give their id to the lookup. */
export const PREFIX = 'hk'
/** The API key that is good. */
export const API_KEY = 'hg_attacked_ann_0123456789abcdef'
/** The opaque token that is good. */
export const OPAQUE = 'opaque-token-of-ann-0001'
/** What every good credential of the tests may do, unless it says otherwise. */
const SCOPES = ['notes:write']

/** Made once: RSA keys take their time. */
const SIGNERS = Promise.all([createSigner('ES256', 'key-1'), createSigner('RS256', 'key-2')])

/** Opens a gateway to attack. */
export async function openTarget(options: TargetOptions = {}): Promise<Target> {
  const { clock = new ManualClock() } = options
  const [signer, rsa] = await SIGNERS
  let published: readonly object[] = [signer.jwk, rsa.jwk]
  const keys = await openEndpoint((_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published })),
  )
  await keys.become(options.keys ?? 'well')
  const introspected = await openIntrospection()
  const jwks = remoteJwks(`${keys.url}/keys`, { allowLoopback: true, clock })
  const done: Done = { ...NOTHING_DONE }
  const events: ReportedEvent[] = []
  const errors: unknown[] = []
  const stores = memoryStores({ clock })
  const lookup = memoryApiKeys([
    { digest: apiKeyDigest(API_KEY), keyId: 'key-of-ann', subject: 'ann', scopes: SCOPES },
  ])
  const { isRevoked } = options
  const schemes = [
    jwt({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks,
      clock,
      tenantClaim: 'tenant',
      ...(isRevoked && { isRevoked }),
    }),
    introspection({
      endpoint: `${introspected.url}/introspect`,
      client: { id: 'gate', secret: 'of the gate' },
      audience: AUDIENCE,
      allowLoopback: true,
      clock,
    }),
    apiKey({ lookup: options.lookup ?? lookup, prefix: PREFIX, clock }),
  ]
  const policies = [
    authenticate(schemes, options.authentication),
    rateLimit({
      store: options.budgets ?? stores.rateLimit,
      quotas: [
        { name: 'caller', limit: 6_000_000, window: '1m', burst: 1_000_000 },
        { name: 'sign-in', limit: 10, window: '1m', burst: 10, key: 'ip', declared: true },
      ],
      clock,
      ...options.limit,
    }),
    idempotency({ store: options.claims ?? stores.idempotency, clock }),
    cache({ store: options.answers ?? stores.cache, clock }),
  ]
  const app = new Koa()
  app.silent = true
  app.on('error', (error: unknown) => errors.push(error))
  const { trustedProxies } = options
  app.use(
    gate(policies, {
      requestId: 'x-request-id',
      onEvent: (event) => void events.push(event),
      channels: [graphql({ path: '/graphql', ...graphqlService(done) }), rest(restService(done))],
      ...(trustedProxies && { trustedProxies }),
    }),
  )
  const serving = await serve(app, { port: 0, readiness: createReadiness(), ...options.limits })
  const bare = await serveBare(app.callback())
  const port = Number(new URL(serving.url).port)

  return {
    port,
    barePort: bare.port,
    clock,
    done,
    events,
    errors,
    keys,
    get published() {
      return published
    },
    set published(next) {
      published = next
    },
    introspection: introspected,
    signer,
    rsa,
    send: (sent, ...fields) => send(port, adding(sent, ...fields)),
    pipeline: (requests) => pipeline(port, requests),
    async bearer(subject = 'ann', scope = SCOPES.join(' ')) {
      const exp = Math.floor(clock.now() / 1_000) + 36_000
      return ['Authorization', `Bearer ${await sign(signer, { sub: subject, scope, exp, jti: subject })}`]
    },
    async close() {
      jwks.close()
      await Promise.all([serving.drain(), bare.close(), keys.close(), introspected.close()])
    },
  }
}

/** Says that one opaque token is ann's, and any other nobody's. */
function openIntrospection(): Promise<Endpoint> {
  return openEndpoint((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    request.on('end', () => {
      const active = new URLSearchParams(body).get('token') === OPAQUE
      const claims = { active, sub: 'ann', aud: AUDIENCE, iss: ISSUER, scope: SCOPES.join(' ') }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(active ? claims : { active }))
    })
  })
}
