import { introspection } from '../../../src/auth/introspection/introspection.js'
import type {
  AskInit,
  IntrospectionEvent,
  IntrospectionOptions,
} from '../../../src/auth/introspection/options.js'
import type { Scheme, Verdict } from '../../../src/auth/scheme.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

export const START = Date.UTC(2026, 0, 1)
export const ENDPOINT = 'https://idp.example/introspect'
export const NOW = START / 1_000
export const ACTIVE = {
  active: true,
  iss: 'https://idp.example/',
  aud: ['https://api.example'],
  sub: 'ann',
  exp: NOW + 600,
  iat: NOW,
  jti: 't-1',
  scope: 'items:read items:write',
  token_type: 'Bearer',
}
export const TOKEN = 'opaque-token-0001'

/** A scheme, its server and its clock. */
export interface Server {
  readonly ask: (token: string) => Promise<Verdict>
  readonly calls: () => number
  readonly clock: ManualClock
  readonly events: IntrospectionEvent[]
}

export type Respond = (token: string, init: AskInit) => Response | Promise<Response>

/** A server that gives one document, or what a function makes of a token. */
export function server(
  answer: Respond | object | string | number | null,
  options: Partial<IntrospectionOptions> = {},
): Server {
  const clock = new ManualClock(START)
  const events: IntrospectionEvent[] = []
  let calls = 0
  const respond = typeof answer === 'function' ? (answer as Respond) : () => Response.json(answer)
  const scheme = introspection({
    endpoint: ENDPOINT,
    ...('authorization' in options ? {} : { client: { id: 'gate', secret: 'sesame' } }),
    audience: 'https://api.example',
    clock,
    onEvent: (event) => void events.push(event),
    fetch: async (_, init) => {
      calls += 1
      return respond(new URLSearchParams(init.body).get('token') ?? '', init)
    },
    ...options,
  })
  return { ask: (token) => verify(scheme, token), calls: () => calls, clock, events }
}

/** Asks a scheme. */
export async function verify(scheme: Scheme, token: string): Promise<Verdict> {
  return scheme.verify(token, literalExchange())
}

/** `accepted`, `undecided`, or the reason of a rejection. */
export function resultOf(verdict: Verdict): string {
  return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
}

/** The key of an accepted identity. */
export function keyOfCaller(verdict: Verdict): string {
  return verdict.verdict === 'accepted' ? verdict.identity.key : ''
}
