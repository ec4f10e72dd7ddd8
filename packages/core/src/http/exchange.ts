import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Identity } from '../auth/identity.js'
import type { GateEvent, ReportedEvent } from '../events.js'
import type { Exchange } from '../exchange.js'
import { tell } from '../observer.js'
import type { Operation } from '../operation.js'
import type { AddressResolver } from './address.js'
import { detachedResponse } from './detached-response.js'
import { HttpIncoming } from './incoming.js'
import { parsedBody } from './parsed-body.js'

/** The part of a Koa context that an exchange needs: its request, and every place where its response stands. */
export interface Served {
  readonly req: IncomingMessage
  readonly originalUrl: string
  res: ServerResponse
  readonly request: { res: ServerResponse }
  readonly response: { res: ServerResponse }
  /** Where Koa tells the service of errors that no client sees. */
  readonly app: { emit(type: 'error', error: unknown, served: Served): boolean }
}

const events = diagnosticsChannel('headgate')

/** A Node request and its response, as policies see them. */
export class HttpExchange extends HttpIncoming implements Exchange {
  /** Said by a channel before any policy is asked. */
  operation!: Operation
  identity: Identity | undefined
  requestId: string | undefined
  readonly #served: Served
  readonly #onEvent: ((event: ReportedEvent) => void) | undefined
  #abort: AbortController | undefined
  #detached = 0

  constructor(served: Served, resolve: AddressResolver, onEvent?: (event: ReportedEvent) => void) {
    super(served.req, served.originalUrl, resolve, () => parsedBody(served.request, served.req))
    this.#served = served
    this.#onEvent = onEvent
  }

  override get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const controller = (this.#abort = new AbortController())
      const { res } = this.#served
      const leave = (): void => {
        if (this.#detached === 0 && !res.writableFinished) controller.abort()
      }
      // Asked for late, it says what it would have said.
      if (res.closed) leave()
      else res.once('close', leave)
    }
    return this.#abort.signal
  }

  async detached<T>(work: () => Promise<T>): Promise<T> {
    const served = this.#served
    const real = served.res
    this.#detached += 1
    const { signal } = this // listen on the real response before it is replaced
    useResponse(served, detachedResponse(served.req))
    served.res.statusCode = real.statusCode
    try {
      return await work()
    } finally {
      this.#detached -= 1
      useResponse(served, real)
      if (real.closed && !signal.aborted) this.#abort?.abort()
    }
  }

  report(event: GateEvent): void {
    if (this.#onEvent === undefined && !events.hasSubscribers) return
    const { protocol, name: operation } = this.operation
    const { requestId } = this
    const reported = { ...event, protocol, operation, ...(requestId !== undefined && { requestId }) }
    if (events.hasSubscribers) events.publish(reported)
    this.#tell(reported)
  }

  /** An observer's fault must neither fail the request nor, behind its answer, end the process. */
  #tell(event: ReportedEvent): void {
    tell(
      () => this.#onEvent?.(event),
      (fault) => this.#served.app.emit('error', fault, this.#served),
    )
  }
}

function useResponse(served: Served, response: ServerResponse): void {
  served.res = response
  served.response.res = response
  served.request.res = response
}
