import { createIdentity } from '../../src/auth/identity.js'
import type { Next, Policy } from '../../src/exchange.js'
import type { Answer, Reply } from '../../src/reply.js'
import { idempotency } from '../../src/idempotency/idempotency.js'
import type { IdempotencyOptions } from '../../src/idempotency/options.js'
import type { IdempotencyStore } from '../../src/idempotency/store.js'
import type { Refusal } from '../../src/refusal.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { type ExchangeInit, literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

export const ANN = createIdentity({ scheme: 'jwt', subject: 'ann' })
export const BOB = createIdentity({ scheme: 'jwt', subject: 'bob' })

export function post(init: ExchangeInit = {}): LiteralExchange {
  return literalExchange({
    method: 'POST',
    path: '/items',
    identity: ANN,
    body: '{"name":"lock"}',
    ...init,
    headers: { 'idempotency-key': 'key-1', 'content-type': 'application/json', ...init.headers },
  })
}

export const CREATED: Answer = {
  kind: 'answer',
  status: 201,
  headers: { 'content-type': 'application/json', location: '/items/1' },
  body: Buffer.from('{"id":1}'),
}

/** A policy under test, and what it did. */
export interface Service {
  readonly clock: ManualClock
  readonly store: IdempotencyStore
  readonly policy: Policy
  /** When the handler ran. */
  readonly effects: readonly number[]
  readonly send: (exchange?: LiteralExchange) => Promise<Reply>
}

/** A policy over a memory store, and a handler that counts its effects. */
export function service(
  options: Partial<IdempotencyOptions> = {},
  handle: () => Reply | Promise<Reply> = () => CREATED,
): Service {
  const clock = new ManualClock()
  const store = options.store ?? memoryIdempotencyStore({ clock })
  const policy = idempotency({ clock, ...options, store })
  const effects: number[] = []
  const handler: Next = async () => {
    effects.push(clock.now())
    return handle()
  }
  const send = (exchange: LiteralExchange = post()): Promise<Reply> => policy.handle(exchange, handler)
  return { clock, store, policy, effects, send }
}

export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

export function deferred<T>(): Deferred<T> {
  let settle: ((value: T) => void) | undefined
  const promise = new Promise<T>((resolve) => (settle = resolve))
  return { promise, resolve: (value) => settle?.(value) }
}

/** Lets time pass in steps: what is under way sets its timers before the next step. */
export async function pass(clock: ManualClock, duration: number): Promise<void> {
  const end = clock.now() + duration
  while (clock.now() < end) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(Math.min(100, end - clock.now()))
  }
}

export function refusal(reply: Reply): Refusal {
  if (reply.kind !== 'refusal') throw new Error(`expected a refusal; got ${reply.status}`)
  return reply
}

export function answer(reply: Reply): Answer {
  if (reply.kind !== 'answer') throw new Error(`expected an answer; got ${reply.code}`)
  return reply
}
