import { authenticate } from '../../src/auth/authenticate.js'
import type { AuthenticateOptions } from '../../src/auth/authenticate-options.js'
import { ANONYMOUS, createIdentity, type Identity } from '../../src/auth/identity.js'
import { accepted, rejected, type Scheme, undecided, type Verdict } from '../../src/auth/scheme.js'
import type { Policy } from '../../src/exchange.js'
import type { Answer, Reply } from '../../src/reply.js'
import type { Access } from '../../src/operation.js'
import { type ExchangeInit, literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'

/** Whom `token` knows. */
export const ANN = createIdentity({
  scheme: 'token',
  subject: 'ann',
  scopes: ['read'],
  credentialId: 'token-1',
})
const BOT = createIdentity({ scheme: 'key', subject: 'bot', scopes: ['read'], credentialId: 'key-1' })
const ANSWER: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

/** Reads `Authorization: Bearer`; decides at once. */
export const token: Scheme = {
  name: 'token',
  credential: { field: 'authorization', authScheme: 'Bearer' },
  challenge: { authScheme: 'Bearer', errors: true },
  verify: (credential) => verdictOf(credential, ANN),
}
/** Reads `X-API-Key`; decides later. */
export const key: Scheme = {
  name: 'key',
  credential: { field: 'x-api-key' },
  challenge: { authScheme: 'ApiKey', errors: true },
  verify: async (credential) => verdictOf(credential, BOT),
}

/** The caller's name, or the code of the refusal. */
export async function outcome(
  schemes: readonly Scheme[],
  init: ExchangeInit,
  access: Access = {},
  options: AuthenticateOptions = {},
): Promise<string> {
  const { reply, exchange } = await send(schemes, init, access, options)
  if (reply.kind === 'refusal') return reply.code
  return exchange.identity === ANONYMOUS ? 'anonymous' : (exchange.identity?.subject ?? 'nobody')
}

/** Sends one request through a chain of schemes. */
export async function send(
  schemes: readonly Scheme[],
  init: ExchangeInit,
  access: Access = {},
  options: AuthenticateOptions = {},
): Promise<{ reply: Reply; exchange: LiteralExchange }> {
  const exchange = literalExchange({ ...init, operation: { access } })
  const reply = await authenticate(schemes, options).handle(exchange, async () => ANSWER)
  return { reply, exchange }
}

function verdictOf(credential: string, identity: typeof ANN): Verdict {
  if (credential === 'good') return accepted(identity)
  if (credential === 'expired') return rejected('expired', { genuine: true, at: 'exp' })
  if (credential === 'forged') return rejected('bad-signature')
  if (credential === 'away') return undecided(7_001)
  if (credential === 'throws') throw new Error('store away')
  const received = ['line\nbreak', 'x'.repeat(1_000), 'c', 'd', 'e', 'f']
  if (credential === 'elsewhere') return rejected('wrong-audience', { received, expected: ['api'] })
  return rejected('malformed')
}

/** What a request comes to at a policy. */
export interface Asked {
  readonly reply: Reply
  readonly exchange: LiteralExchange
  readonly identity: Identity | undefined
}

/** Sends requests to a policy that decides who asks. */
export function asking(policy: Policy) {
  const ask = async (init: ExchangeInit): Promise<Asked> => {
    const exchange = literalExchange(init)
    const reply = await policy.handle(exchange, async () => ANSWER)
    return { reply, exchange, identity: exchange.identity }
  }
  return {
    send: ask,
    /** `accepted`, or the reason and the part of the refusal. */
    async verdict(init: ExchangeInit): Promise<string> {
      const { exchange, reply } = await ask(init)
      if (reply.kind === 'answer') return 'accepted'
      const [event] = exchange.events as { reason?: string; at?: string }[]
      return event?.reason === undefined ? reply.code : [event.reason, event.at].filter(Boolean).join(' ')
    },
  }
}
