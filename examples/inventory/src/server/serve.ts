import { once } from 'node:events'
import { createServer, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '@headgate/core'
import type Koa from 'koa'
import { type Connections, trackConnections } from './connections.js'
import type { Readiness } from './readiness.js'

/** Where and how to serve. */
export interface ServeOptions {
  /** Default 3000; 0 is any free port. */
  readonly port?: number
  /** Default `127.0.0.1`: this machine only. */
  readonly host?: string
  /** Closed when draining begins. Default: nobody is told. */
  readonly readiness?: Readiness
  /** How long to go on accepting after readiness closed, in ms, so that balancers notice. Default 0. */
  readonly noticeMs?: number
  /** How long requests in flight may take once draining began, in ms. Default 25 s. */
  readonly graceMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** A listening server. */
export interface Serving {
  /** `http://127.0.0.1:3000` */
  readonly url: string
  /**
   * Stops without losing a request: no new connections, requests in flight finish, idle connections close.
   * Resolves when all is done; what takes longer than the grace time is cut.
   */
  drain(): Promise<void>
}

/** Node waits 60 s for a request's header and 300 s for its body: too long for a client that stalls on purpose. */
const LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
}
const MOST_CONNECTIONS = 10_000

/** Serves an app until it is drained. */
export async function serve(app: Koa, options: ServeOptions = {}): Promise<Serving> {
  const { port = 3000, host = '127.0.0.1', clock = systemClock } = options
  const server = createServer(LIMITS)
  server.maxConnections = MOST_CONNECTIONS
  const connections = trackConnections(server, app.callback())
  server.listen(port, host)
  await once(server, 'listening')

  let drained: Promise<void> | undefined
  return {
    url: urlOf(server),
    drain: () => (drained ??= drain(server, connections, clock, options)),
  }
}

async function drain(
  server: Server,
  connections: Connections,
  clock: Clock,
  { readiness, noticeMs = 0, graceMs = 25_000 }: ServeOptions,
): Promise<void> {
  readiness?.close()
  connections.closeAfterAnswer()
  if (noticeMs > 0) await new Promise<void>((resolve) => void clock.after(noticeMs, resolve))
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(graceMs, resolve)
    connections.finish().finally(cancel).then(resolve, reject)
  })
  server.closeAllConnections()
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
