import type { Identity } from '../auth/identity.js'
import type { GateEvent } from '../events.js'
import type { Exchange } from '../exchange.js'
import { createOperation, effectOf, type Operation } from '../operation.js'
import { keyOf } from '../key.js'

/** What a literal exchange may say; everything has a default. */
export interface ExchangeInit {
  /** Default `'GET'`. */
  readonly method?: string
  /** Default `'https://api.example'`. */
  readonly origin?: string
  /** Default `'/items/42'`. */
  readonly path?: string
  /** Without `?`. Default: none. */
  readonly query?: string
  /** Default `'203.0.113.7'`. */
  readonly address?: string
  /** Request fields, lower-cased names; an array is several lines. Default: none. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Default: empty. */
  readonly body?: string | Uint8Array
  /** Default: unknown. */
  readonly identity?: Identity
  /** Members of the operation. Default: those of plain HTTP. */
  readonly operation?: Partial<Operation>
  /** Default: one that is never aborted. */
  readonly signal?: AbortSignal
}

/** An exchange for tests of policies: no Koa, no socket. It keeps the events it is told. */
export interface LiteralExchange extends Exchange {
  readonly events: GateEvent[]
}

/** Makes a literal exchange: `GET /items/42` from 203.0.113.7 unless `init` says otherwise. */
export function literalExchange(init: ExchangeInit = {}): LiteralExchange {
  const { method = 'GET', path = '/items/42', query = '', headers = {} } = init
  const content = Buffer.from(init.body ?? '')
  const lines = (name: string): readonly string[] => [headers[name] ?? []].flat()
  const events: GateEvent[] = []
  return {
    method,
    path,
    query,
    origin: init.origin ?? 'https://api.example',
    address: init.address ?? '203.0.113.7',
    identity: init.identity,
    signal: init.signal ?? new AbortController().signal,
    operation: createOperation({
      protocol: 'http',
      name: `${method} ${path}`,
      effect: effectOf(method),
      fingerprint: () => keyOf(query, content),
      ...init.operation,
    }),
    header: (name) => (lines(name).length === 0 ? undefined : lines(name).join(', ')),
    lines,
    body: () => Promise.resolve(content),
    detached: (work) => work(),
    report: (event) => void events.push(event),
    events,
  }
}
