import type { Identity } from './auth/identity.js'
import type { GateEvent } from './events.js'
import type { Operation } from './operation.js'
import type { Budget } from './rate-limit/budget.js'
import type { Refusal } from './refusal.js'
import type { Reply } from './reply.js'

/** What came in, in words that belong to no protocol. */
export interface Incoming {
  /** Upper case, as sent. */
  readonly method: string
  /** Scheme and authority the client addressed: `https://api.example`. */
  readonly origin: string
  /** The path as sent, without the query. */
  readonly path: string
  /** The query as sent, without `?`; empty when there is none. */
  readonly query: string
  /** The client's address: the socket's, or the one that trusted proxies name. IPv4-mapped IPv6 is folded to IPv4. */
  readonly address: string
  /** A request field; several lines are joined by `, `. */
  header(name: string): string | undefined
  /** Every line of a request field as it was sent. Use it where a second line must be noticed. */
  lines(name: string): readonly string[]
  /**
   * The request's content. It is read once, and stays readable for body parsers that come later.
   *
   * @param limit the most bytes to read; the first caller's limit holds.
   * @returns a refusal `body-too-large` when there are more, `body-incomplete` when the client stopped sending.
   */
  body(limit: number): Promise<Uint8Array | Refusal>
  /** Aborted when nobody waits for the reply any more. Never while the work is detached. */
  readonly signal: AbortSignal
}

/** One request at the gate. */
export interface Exchange extends Incoming {
  readonly operation: Operation
  /** Set by `authenticate`, or by the gate from its option `identity` or an outer gate; undefined until then. */
  identity: Identity | undefined
  /**
   * What it really cost of the caller's budget, where that is known at the end only: a cached answer, a replay, a
   * query that was cheaper than it looked. Set it before the reply; an operation's `cost` is what it costs at most.
   */
  spent?: number
  /**
   * How the budgets stand that its cost is taken from, or that refused it: asked when it is known what it really cost.
   * Set by `rateLimit`; undefined where none decided.
   */
  budgets?: () => readonly Budget[]
  /**
   * Runs `work` cut off from the client's connection: when the client leaves, neither the handler nor the stream it
   * answers with is ended. For work whose result outlives the request, such as an effect under an idempotency key.
   */
  detached<T>(work: () => Promise<T>): Promise<T>
  /** Tells observers what a policy decided. Never holds a token, key, cookie or body. */
  report(event: GateEvent): void
}

/** Runs what comes after a policy. Call it once at the most. */
export type Next = () => Promise<Reply>

/** Decides about an exchange: replies itself, or calls `next()` and may change what comes back. */
export interface Policy {
  /** For error messages and events. */
  readonly name: string
  /** Where it belongs in the gate's order. Without one it may stand anywhere. */
  readonly stage?: Stage
  /** It can't work unless an earlier policy names the caller. */
  readonly needsIdentity?: boolean
  /** The quotas that operations may name in their `quotas`. */
  readonly quotas?: readonly string[]
  handle(exchange: Exchange, next: Next): Promise<Reply>
}

/** The order of a gate: who, how much, is it well formed, was it done before, is it known. */
export const STAGES = ['authenticate', 'rate-limit', 'contract', 'idempotency', 'cache'] as const

/** A place in the gate's order. */
export type Stage = (typeof STAGES)[number]
