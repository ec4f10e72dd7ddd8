import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { type KoaProxy, KOA_PROXY_CHOICES } from '../http/koa-proxy.js'
import { networkTest } from '../http/networks.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods, checkText } from '../options.js'
import type { Readiness } from './readiness.js'
import type { StopCause } from './process.js'

/** How a server treats its connections. */
export interface ServeOnOptions {
  /** The time a client has for a request's head. Default `10s`. */
  readonly headersTimeout?: Duration
  /** The time a client has for a whole request, head and body; at least `headersTimeout`. Default `30s`. */
  readonly requestTimeout?: Duration
  /** How long a connection may stay open between two requests. Behind a proxy: longer than the proxy's. Default `5s`. */
  readonly keepAliveTimeout?: Duration
  /** How long a client may take no byte of an answer that is ready. Default `30s`. */
  readonly writeTimeout?: Duration
  /** The most connections; further ones are closed at once. Default 10,000. */
  readonly maxConnections?: number
  /**
   * The most connections of one address, an IPv6 address with the rest of its /56; further ones are closed at once.
   * Default: no such limit, as behind a proxy all connections are the proxy's.
   */
  readonly connectionsPerAddress?: number
  /** Networks whose connections are not counted by address: those of proxies and probes. Default: none. */
  readonly proxyNetworks?: readonly string[]
  /** `'refuse'`: an app whose `proxy` setting lets clients choose `ctx.ip` is not served. Default `'refuse'`. */
  readonly koaProxy?: KoaProxy
  /** Closed when draining begins. Default: nobody is told. */
  readonly readiness?: Readiness
  /** How long to go on accepting after readiness closed, so that balancers notice. Default: not at all. */
  readonly notice?: Duration
  /** How long requests in flight may take once the notice is over. Default `25s`. */
  readonly grace?: Duration
  /** Closes what the requests used, such as stores, after the last of them. Has 1 s more than the grace. Default: nothing. */
  readonly close?: () => unknown
  /**
   * The process has no other job. SIGTERM and SIGINT drain it and end it with 0, a second signal ends it at once; an
   * uncaught error drains it and ends it with 1. Default `false`.
   */
  readonly ownsProcess?: boolean
  /** Told once, when a process that is owned begins to stop. Default: an uncaught error is printed to stderr. */
  readonly onStopping?: (cause: StopCause, error?: unknown) => void
  /** Default: the machine's clock. Node's own timeouts do not follow it. */
  readonly clock?: Clock
}

/** Where and how to serve. */
export interface ServeOptions extends ServeOnOptions {
  /** Default 3000; 0 is any free port. */
  readonly port?: number
  /** Default `127.0.0.1`: this machine only. */
  readonly host?: string
}

/** What holds where nothing else is said. */
export const SERVE_DEFAULTS = {
  port: 3_000,
  host: '127.0.0.1',
  headersTimeout: '10s',
  requestTimeout: '30s',
  keepAliveTimeout: '5s',
  writeTimeout: '30s',
  maxConnections: 10_000,
  koaProxy: 'refuse',
  grace: '25s',
  ownsProcess: false,
} as const satisfies ServeOptions

/** Checked options, in milliseconds. */
export interface ServeSettings {
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly keepAliveTimeout: number
  readonly writeTimeout: number
  readonly maxConnections: number
  readonly connectionsPerAddress: number
  /** Whether the connections of an address, canonical, are counted at all. */
  readonly isProxy: (address: string) => boolean
  readonly koaProxy: KoaProxy
  readonly readiness: Readiness | undefined
  readonly notice: number
  readonly grace: number
  readonly close: (() => unknown) | undefined
  readonly ownsProcess: boolean
  readonly onStopping: ((cause: StopCause, error?: unknown) => void) | undefined
  readonly clock: Clock
}

const TIMEOUTS = ['headersTimeout', 'requestTimeout', 'keepAliveTimeout', 'writeTimeout']
const KNOWN = [
  ...TIMEOUTS,
  'maxConnections',
  'connectionsPerAddress',
  'proxyNetworks',
  'koaProxy',
  'readiness',
  'notice',
  'grace',
  'close',
  'ownsProcess',
  'onStopping',
  'clock',
]

/** @throws TypeError that names the option. */
export function readServeOnOptions(owner: string, options: ServeOnOptions): ServeSettings {
  checkKnown(owner, options, KNOWN)
  const time = (name: 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout' | 'writeTimeout' | 'grace') =>
    milliseconds(`${owner}: ${name}`, options[name] ?? SERVE_DEFAULTS[name])
  const { readiness, notice, close, onStopping, clock = systemClock } = options
  const { maxConnections, ownsProcess, koaProxy } = { ...SERVE_DEFAULTS, ...options }
  const { connectionsPerAddress, proxyNetworks } = options
  const headersTimeout = time('headersTimeout')
  const requestTimeout = time('requestTimeout')
  if (headersTimeout > requestTimeout) {
    throw new TypeError(`${owner}: headersTimeout must not be longer than requestTimeout`)
  }
  if (proxyNetworks !== undefined && connectionsPerAddress === undefined) {
    throw new TypeError(`${owner}: proxyNetworks has no effect without connectionsPerAddress`)
  }
  if (readiness !== undefined) checkMethods(`${owner}: readiness`, readiness, ['close'])
  if (close !== undefined) checkFunction(`${owner}: close`, close)
  if (onStopping !== undefined) checkFunction(`${owner}: onStopping`, onStopping)
  if (typeof ownsProcess !== 'boolean') throw new TypeError(`${owner}: ownsProcess must be a boolean`)
  return {
    headersTimeout,
    requestTimeout,
    keepAliveTimeout: time('keepAliveTimeout'),
    writeTimeout: time('writeTimeout'),
    maxConnections: checkInteger(`${owner}: maxConnections`, maxConnections),
    connectionsPerAddress:
      connectionsPerAddress === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger(`${owner}: connectionsPerAddress`, connectionsPerAddress),
    isProxy: proxyNetworks === undefined ? nobody : networkTest(`${owner}: proxyNetworks`, proxyNetworks),
    koaProxy: checkChoice(`${owner}: koaProxy`, koaProxy, KOA_PROXY_CHOICES),
    readiness,
    notice: notice === undefined ? 0 : milliseconds(`${owner}: notice`, notice),
    grace: time('grace'),
    close,
    ownsProcess,
    onStopping,
    clock,
  }
}

function nobody(): boolean {
  return false
}

/** @throws TypeError that names the option. */
export function readServeOptions(options: ServeOptions): ServeSettings & { port: number; host: string } {
  const { port = SERVE_DEFAULTS.port, host = SERVE_DEFAULTS.host, ...rest } = options
  checkInteger('serve: port', port, 0, 65_535)
  checkText('serve: host', host)
  return { ...readServeOnOptions('serve', rest), port, host }
}
