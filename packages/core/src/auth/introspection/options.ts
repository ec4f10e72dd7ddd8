import type { Clock } from '../../clock.js'
import type { Duration } from '../../duration.js'
import type { BreakerState } from '../../breaker.js'
import type { IsRevoked } from '../revocation.js'

/** Settings of `introspection`. */
export interface IntrospectionOptions {
  /** The introspection endpoint: `https:`. Required. */
  readonly endpoint: string
  /** This service's own credentials there, sent as HTTP Basic (RFC 6749 2.3.1). One of `client` and `authorization`. */
  readonly client?: { readonly id: string; readonly secret: string }
  /** The whole `Authorization` value instead, or what gives one for each call: `Bearer ...`. One of the two. */
  readonly authorization?: string | (() => string | PromiseLike<string>)
  /**
   * What `aud` must name, or a list of which one is enough. `false`: the server itself answers `active` only for tokens
   * that are meant for this service. Required.
   */
  readonly audience: string | readonly string[] | false
  /** Exact `iss` that the answer must have. Default: it is not read; the endpoint vouches for the subject. */
  readonly issuer?: string
  /** The member that names the subject. `client_id` for servers whose tokens have no user. Default `sub`. */
  readonly subjectClaim?: string
  /** The member that names the tenant. Default: none. */
  readonly tenantClaim?: string
  /** The member that names the tier, for limits that depend on it. Default: none. */
  readonly tierClaim?: string
  /** Where roles stand: a member with a list of texts, or the path to one. Default: no roles are read. */
  readonly roles?: { readonly claim: string | readonly string[] }
  /** `all`: also tokens of the form of a JWT are sent there. Default `opaque`: they are refused. */
  readonly tokens?: 'opaque' | 'all'
  /** The longest token, in bytes. Default 4096. */
  readonly maxTokenBytes?: number
  /** How far clocks may differ; at most 5 minutes. Default `'30s'`. */
  readonly clockTolerance?: Duration
  /**
   * Active tokens are remembered so long and so many, at most half of what is left of their life. A revocation takes
   * effect that much later. `'off'`: never. Default 30 s, 10,000. Refused tokens: 5 s, 1,000.
   */
  readonly cache?: { readonly ttl?: Duration; readonly maxEntries?: number } | 'off'
  /** Whether an active token is revoked here. Asked on every request, so it must answer from memory. Default: none is. */
  readonly isRevoked?: IsRevoked
  /** How long the server may take, its body included, before the client gets 503. Default `'500ms'`. */
  readonly deadline?: Duration
  /** Questions at the same time; more get 503. Default 64. */
  readonly maxConcurrent?: number
  /** The largest answer, in bytes. Default 65536. */
  readonly maxBytes?: number
  /** Plain `http:` to this machine. Default `false`. */
  readonly allowLoopback?: boolean
  /** For a proxy, a client certificate, a test. Default: the global `fetch`. */
  readonly fetch?: AskServer
  /** Told what fails. Never holds a token. Default: nobody is. */
  readonly onEvent?: (event: IntrospectionEvent) => void
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** What is used of `fetch`. */
export type AskServer = (url: string, init: AskInit) => Promise<Response>

/** How the server is asked. */
export interface AskInit {
  readonly method: 'POST'
  readonly redirect: 'error'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Aborted at the deadline. */
  readonly signal: AbortSignal
}

/** Why the server gave no answer. */
export type IntrospectionFailure =
  | 'network'
  | 'deadline'
  /** 401 or 403: this service's own credentials are bad there. Nobody's token can be checked. */
  | 'own-credentials'
  /** Any other status but 200; redirects are not followed. */
  | 'status'
  | 'too-large'
  /** No JSON object with a boolean `active`. */
  | 'malformed'

/** What `introspection` tells. */
export type IntrospectionEvent =
  | { readonly type: 'introspection.failed'; readonly failure: IntrospectionFailure }
  /** Five failures in a row leave the server alone for some seconds: `open`. */
  | { readonly type: 'introspection.breaker'; readonly state: BreakerState }

/** The defaults of {@link IntrospectionOptions}. */
export const INTROSPECTION_DEFAULTS = {
  subjectClaim: 'sub',
  tokens: 'opaque',
  maxTokenBytes: 4_096,
  clockTolerance: '30s',
  cache: { ttl: '30s', maxEntries: 10_000 },
  deadline: '500ms',
  maxConcurrent: 64,
  maxBytes: 65_536,
  allowLoopback: false,
} as const satisfies Partial<IntrospectionOptions>
