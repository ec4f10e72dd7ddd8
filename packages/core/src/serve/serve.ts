import { once } from 'node:events'
import { createServer, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkKoaProxy } from '../http/koa-proxy.js'
import { checkMethods } from '../options.js'
import { limitPerAddress } from './address-limit.js'
import { trackConnections } from './connections.js'
import { drain } from './drain.js'
import { type RequestHandler, listen } from './listener.js'
import { readServeOnOptions, readServeOptions, type ServeOnOptions, type ServeOptions } from './options.js'
import type { ServeSettings } from './options.js'
import { ownProcess } from './process.js'

/** What can be served: a Koa app, or anything else that gives a request listener. */
export interface Servable {
  callback(): RequestHandler
}

/** A server that can be stopped without losing a request. */
export interface Drainable {
  /**
   * Takes no new connections, lets requests in flight finish, closes idle connections, and resolves when all is
   * done; what takes longer than the grace is cut. A second call gives the same promise.
   */
  readonly drain: () => Promise<void>
}

/** A listening server. */
export interface Serving extends Drainable {
  /** `http://127.0.0.1:3000` */
  readonly url: string
}

/**
 * Serves an app over HTTP until it is drained, with limits for clients that stall, swamp or mislead. TLS ends before
 * it.
 *
 * @throws TypeError that names the option; the system's error when it can't listen.
 */
export async function serve(app: Servable, options: ServeOptions = {}): Promise<Serving> {
  const { port, host, ...settings } = readServeOptions(options)
  checkApp('serve', app, settings)
  const server = createServer({ maxHeaderSize: 16_384 })
  const drainable = guard(server, app, settings)
  server.listen(port, host)
  await once(server, 'listening')
  if (settings.ownsProcess) ownProcess(drainable.drain, settings.clock, settings.onStopping)
  return { url: urlOf(server), drain: drainable.drain }
}

/**
 * The same for a server of the caller's, who makes it listen: a Unix socket, another parser's limits. It has no
 * `request` listener of its own.
 *
 * @throws TypeError that names the option, or when the server is none of `node:http` or already has a listener.
 */
export function serveOn(server: Server, app: Servable, options: ServeOnOptions = {}): Drainable {
  const settings = readServeOnOptions('serveOn', options)
  checkApp('serveOn', app, settings)
  if (!(server instanceof Server)) throw new TypeError('serveOn: server must be a server of node:http')
  if (server.listenerCount('request') > 0) {
    throw new TypeError('serveOn: server already answers requests; make it with createServer() alone')
  }
  if ((server as ParserSettings).insecureHTTPParser === true) {
    throw new TypeError(
      'serveOn: server must not have insecureHTTPParser: it lets one request be read as two',
    )
  }
  const drainable = guard(server, app, settings)
  if (settings.ownsProcess) ownProcess(drainable.drain, settings.clock, settings.onStopping)
  return drainable
}

/** What `createServer` took and keeps; read when a connection comes and when the server begins to listen. */
interface ParserSettings extends Server {
  insecureHTTPParser?: boolean
  connectionsCheckingInterval?: number
}

function checkApp(owner: string, app: Servable, { koaProxy }: ServeSettings): void {
  checkMethods(`${owner}: app`, app, ['callback'])
  if (koaProxy === 'refuse') checkKoaProxy(owner, app)
}

function guard(server: ParserSettings, app: Servable, settings: ServeSettings): Drainable {
  const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections, writeTimeout } = settings
  Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections })
  // Whatever the command line says: the lax parser lets one request be read as two.
  server.insecureHTTPParser = false
  // Node looks every 30 s: a limit of 10 s would be one of up to 40 s.
  server.connectionsCheckingInterval = Math.min(server.connectionsCheckingInterval ?? LOOK, LOOK)
  limitPerAddress(server, settings.connectionsPerAddress, settings.isProxy)
  const connections = trackConnections(server)
  listen(server, connections, app.callback(), writeTimeout)
  let drained: Promise<void> | undefined
  return { drain: () => (drained ??= drain({ server, connections, ...settings })) }
}

/** How often Node looks for requests that are too slow. */
const LOOK = 1_000

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
