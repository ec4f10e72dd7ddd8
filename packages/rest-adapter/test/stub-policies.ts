import {
  authorize,
  type Answer,
  createIdentity,
  type Exchange,
  type Operation,
  type Policy,
  refuse,
  type Tag,
  withHeaders,
} from '@headgate/core'

/** Knows callers by `Authorization: Bearer name scope scope`, and asks for what the operation demands. */
export function stubAuthenticate(fallback: 'required' | 'optional' = 'optional'): Policy {
  return {
    name: 'authenticate',
    stage: 'authenticate',
    async handle(exchange, next) {
      const [, subject, ...scopes] = exchange.header('authorization')?.split(' ') ?? []
      const { access } = exchange.operation
      const { mode = fallback } = access
      if (subject === undefined && mode === 'required') return refuse('credentials-missing')
      const named = subject === undefined ? undefined : createIdentity({ scheme: 'stub', subject, scopes })
      const denied = authorize(named, access)
      if (denied !== undefined) return denied
      exchange.identity = named ?? createIdentity({ scheme: 'stub', subject: 'nobody' })
      return next()
    },
  }
}

/** Lets `limit` requests pass. */
export function stubLimit(limit: number): Policy {
  let left = limit
  return {
    name: 'limit',
    stage: 'rate-limit',
    async handle(_exchange, next) {
      const fields = { ratelimit: `"stub";r=${Math.max(0, left - 1)}` }
      if (left === 0) return refuse('quota-exceeded', { headers: fields })
      left -= 1
      return withHeaders(await next(), fields)
    },
  }
}

/** What a policy after the contract saw of one request. */
export interface Seen {
  readonly operation: Operation
  readonly fingerprint: unknown
  readonly tags: readonly Tag[]
  readonly invalidates: readonly Tag[]
}

/** Stands where idempotency does and keeps what it can see. */
export function stubObserver(seen: Seen[], stage: 'idempotency' | 'cache' = 'idempotency'): Policy {
  return {
    name: 'observer',
    stage,
    async handle(exchange: Exchange, next) {
      const { operation } = exchange
      const fingerprint = await operation.fingerprint()
      const reply = await next()
      const answer = reply as Answer
      seen.push({
        operation,
        fingerprint,
        tags: operation.tags(answer),
        invalidates: operation.invalidates(answer),
      })
      return reply
    },
  }
}
