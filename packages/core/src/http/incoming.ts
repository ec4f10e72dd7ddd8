import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Incoming } from '../exchange.js'
import type { Refusal } from '../refusal.js'
import type { AddressResolver, Origin } from './address.js'
import { calledBy } from './forwarded.js'
import { peekBody } from './peek-body.js'

/** What a body parser that ran before the gate left behind. */
export type ParsedBody = () => Uint8Array | undefined

/** The protocol-free view of a Node request. */
export class HttpIncoming implements Incoming {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly #request: IncomingMessage
  readonly #resolve: AddressResolver
  readonly #parsed: ParsedBody
  #client: Origin | undefined
  #addressed: string | undefined
  #body: Promise<Uint8Array | Refusal> | undefined

  /** @param target the request's target as the client sent it, before any mount rewrote it. */
  constructor(request: IncomingMessage, target: string, resolve: AddressResolver, parsed: ParsedBody) {
    const local = originForm(target)
    const mark = local.indexOf('?')
    this.method = request.method ?? 'GET'
    this.path = mark === -1 ? local : local.slice(0, mark)
    this.query = mark === -1 ? '' : local.slice(mark + 1)
    this.#request = request
    this.#resolve = resolve
    this.#parsed = parsed
  }

  get address(): string {
    return this.#origin().address
  }

  /** The request came through a proxy whose word counts. */
  get trusted(): boolean {
    return this.#origin().trusted
  }

  /** Scheme and host come from the same trust decision as the address: a client can't choose what is keyed by them. */
  get origin(): string {
    return (this.#addressed ??= this.#findOrigin())
  }

  #findOrigin(): string {
    const { field } = this.#origin()
    const called = field === undefined ? undefined : calledBy(field, (name) => this.lines(name))
    const secure = (this.#request.socket as Partial<TLSSocket>).encrypted === true
    const protocol = called?.protocol ?? (secure ? 'https' : 'http')
    const host = called?.host ?? this.header('host') ?? ''
    return `${protocol}://${host}`.toLowerCase()
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return typeof value === 'object' ? value.join(', ') : value
  }

  lines(name: string): readonly string[] {
    const raw = this.#request.rawHeaders
    const found: string[] = []
    for (let index = 0; index < raw.length; index += 2) {
      const sent = raw[index] ?? ''
      // Most names are told apart by their length.
      if (sent.length === name.length && sent.toLowerCase() === name) found.push(raw[index + 1] ?? '')
    }
    return found
  }

  body(limit: number): Promise<Uint8Array | Refusal> {
    this.#body ??= this.#readBody(limit)
    return this.#body
  }

  /** Ends with the client's connection; the exchange replaces it by one that knows detached work. */
  get signal(): AbortSignal {
    return AbortSignal.abort()
  }

  #readBody(limit: number): Promise<Uint8Array | Refusal> {
    const parsed = this.#parsed()
    return parsed === undefined ? peekBody(this.#request, limit) : Promise.resolve(parsed)
  }

  #origin(): Origin {
    this.#client ??= this.#resolve(this.#request.socket.remoteAddress, (name) => this.lines(name))
    return this.#client
  }
}

/** A target in absolute form (RFC 9112 3.2.2) is the same address: it must not be another key or another entry. */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const local = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  return local === '' || local.startsWith('?') ? `/${local}` : local
}
