import { Readable } from 'node:stream'
import { cache, type CacheOptions } from '../../src/cache/cache.js'
import type { CacheStore } from '../../src/cache/store.js'
import { createIdentity } from '../../src/auth/identity.js'
import type { Fields } from '../../src/fields.js'
import type { Answer, Reply } from '../../src/reply.js'
import type { CacheRule } from '../../src/operation.js'
import { memoryCacheStore } from '../../src/stores/memory/cache.js'
import { type ExchangeInit, literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

export const ANN = createIdentity({ scheme: 'api-key', subject: 'ann' })
export const BOB = createIdentity({ scheme: 'api-key', subject: 'bob' })
export const FRESH = { 'cache-control': 'max-age=60' }
export const PUBLIC = { 'cache-control': 'public, max-age=60' }

export interface Asked extends ExchangeInit {
  readonly rule?: CacheRule | 'off'
}

/** A cache in front of a handler that counts and says which of its answers it is. */
export class Subject {
  readonly clock = new ManualClock()
  readonly store: CacheStore
  handled = 0
  headers: Fields = FRESH
  status = 200
  exchange!: LiteralExchange
  readonly #options: CacheOptions
  readonly #policy

  constructor(options: Partial<CacheOptions> = {}) {
    this.store = options.store ?? memoryCacheStore({ clock: this.clock })
    this.#options = { clock: this.clock, ...options, store: this.store }
    this.#policy = cache(this.#options)
  }

  async ask({ rule, ...init }: Asked = {}, handler?: () => Reply | Promise<Reply>): Promise<Reply> {
    const operation = { ...(rule !== undefined && { cache: rule }), ...init.operation }
    this.exchange = literalExchange({ ...init, operation })
    return this.#policy.handle(this.exchange, async () => {
      this.handled += 1
      return handler === undefined ? this.answer() : handler()
    })
  }

  answer(body: Answer['body'] = Buffer.from(`answer ${this.handled}`)): Answer {
    return { kind: 'answer', status: this.status, headers: this.headers, body }
  }

  /** The `Cache-Status` of an ask. */
  async told(...args: Parameters<Subject['ask']>): Promise<string> {
    return String((await this.ask(...args)).headers['cache-status'])
  }
}

export async function textOf(reply: Reply): Promise<string> {
  if (reply.kind === 'refusal') return reply.code
  const { body } = reply
  return body instanceof Readable
    ? Buffer.concat(await body.toArray()).toString()
    : Buffer.from(body ?? []).toString()
}
