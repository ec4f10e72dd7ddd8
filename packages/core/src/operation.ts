import type { Identity } from './auth/identity.js'
import type { Refusal } from './refusal.js'
import type { Answer, Reply } from './reply.js'
import type { Duration } from './duration.js'
import type { Tag } from './tag.js'

/** Whether an operation only looks (safe, RFC 9110 9.2.1) or may change something. */
export type Effect = 'read' | 'write'

/**
 * What a caller must hold, scopes or roles: `['a', 'b']` is both; `[['a'], ['b', 'c']]` is `a`, or `b` and `c`;
 * `{ all: ['a'], any: ['b', 'c'] }` is `a`, and one of `b` and `c`. An empty list is met by nobody.
 */
export type Demand =
  | readonly string[]
  | readonly (readonly string[])[]
  | { readonly all?: readonly string[]; readonly any?: readonly string[] }

/** Who may run an operation. Scopes or roles demand a caller who is known, whatever the mode. */
export interface Access {
  /**
   * `required`: a valid credential; `optional`: none, or a valid one; `anonymous`: credentials are not read.
   * Default: the mode of `authenticate`.
   */
  readonly mode?: 'required' | 'optional' | 'anonymous'
  /** Scopes that the caller's credential must have. Default: none. */
  readonly scopes?: Demand
  /** Roles that the caller must have. Default: none. */
  readonly roles?: Demand
}

/** How long and for whom an operation's answers may be kept. An answer's own `Cache-Control` comes first. */
export interface CacheRule {
  /** How long an answer is fresh if it says nothing itself. Default: such an answer is not stored. */
  readonly ttl?: Duration
  /** `true`: one entry serves every identity. Default `false`: each identity has entries of its own. */
  readonly public?: boolean
  /** Request header fields the answer depends on, as if the answer named them in `Vary`. Default: none. */
  readonly vary?: readonly string[]
}

/** What a request wants, said once by a channel in words that every policy understands. */
export interface Operation {
  /** `http`, `rest`, `graphql`, ... */
  readonly protocol: string
  /** A name of low cardinality: `GET /items/:id`, `query GetUser`. */
  readonly name: string
  readonly effect: Effect
  /** What it costs of the caller's budget. An integer of at least 1. */
  readonly cost: number
  /** Names of quotas that hold for it beside those for all operations. Default: none. */
  readonly quotas?: readonly string[]
  readonly access: Access
  /** Whether `Idempotency-Key` is demanded, honoured or ignored. Ignored on reads in any case. */
  readonly idempotency: 'required' | 'optional' | 'off'
  /** The rule for answers without a freshness of their own; `'off'` never stores. */
  readonly cache: CacheRule | 'off'
  /**
   * Whether a read's fingerprint says all of it, by whatever method it comes: one stored answer then serves them all.
   * Default `false`: only HEAD and GET share one.
   */
  readonly byAnyMethod?: boolean
  /**
   * A digest of all that makes two requests to this path the same, apart from the identity: query and body in
   * REST, document and variables in GraphQL. A refusal when the body can't be read.
   */
  fingerprint(): string | Refusal | Promise<string | Refusal>
  /**
   * Whose path it is, where hosts behind one gate are services of their own: the same method, path and
   * `Idempotency-Key` at another `host` are another request, and it has stored answers of its own. Default: it is one
   * service, whatever host a client names, so that a retry by another name of it runs nothing.
   */
  readonly host?: string
  /**
   * The one spelling of a path, where several lead to the same for a method: `/items/1` of `/ITEMS/%31/`. Equal for
   * what the channel takes for the same, and for nothing else. Asked about the request's own path, and about those
   * that answers name. Never throws. Default: the path as it is.
   */
  canonicalPath?(path: string, method: string): string
  /**
   * Checks what must hold before anything runs: the body's contract, a document's validity. Asked when the identity
   * and the budget are known and before an idempotency key is claimed. A reply ends the exchange.
   */
  contract?(identity: Identity | undefined): Promise<Reply | undefined>
  /** The entities and lists that a read's answer was made from. Asked after the handler ran. */
  tags(answer: Answer): readonly Tag[]
  /** The entities and lists that a write changed. Asked after the handler ran. */
  invalidates(answer: Answer): readonly Tag[]
}

/** What must be said of an operation, and what may be. */
export type OperationInit = Pick<Operation, 'protocol' | 'name' | 'effect' | 'fingerprint'> &
  Partial<Operation>

/**
 * Completes an operation: cost 1, the gate's own access mode, no tags. A key is honoured on writes; answers of reads
 * are kept as they allow themselves.
 */
export function createOperation(init: OperationInit): Operation {
  return {
    cost: 1,
    access: {},
    idempotency: init.effect === 'write' ? 'optional' : 'off',
    cache: {},
    tags: noTags,
    invalidates: noTags,
    ...init,
  }
}

/** The one spelling of a path under an operation. */
export function canonicalPathOf(operation: Operation, path: string, method: string): string {
  return operation.canonicalPath?.(path, method) ?? path
}

function noTags(): readonly Tag[] {
  return []
}

/** The effect of an HTTP method: GET, HEAD, OPTIONS, TRACE and QUERY (RFC 10008) are safe, all others may write. */
export function effectOf(method: string): Effect {
  return SAFE_METHODS.has(method) ? 'read' : 'write'
}

/** Whether an answer to this method may be kept under its URL (RFC 9110 9.2.3). */
export function isCacheableMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])
