import { randomInt } from 'node:crypto'
import { type Clock, systemClock } from '../../clock.js'
import { type Duration, milliseconds } from '../../duration.js'
import { teller } from '../../observer.js'
import { checkFunction, checkInteger, checkKnown, checkMethods } from '../../options.js'
import { checkEndpoint } from '../endpoint.js'
import { LATE, withDeadline } from '../../deadline.js'
import { fetchJwks, type FetchKeys } from './fetch-jwks.js'
import { type JwksKeeper, keepKeys, type KeeperEvent } from './jwks-keeper.js'
import type { FetchFailure } from './kept-keys.js'
import { importKeySet, type KeySet, readKeySet, type SkippedKey } from './key-set.js'

/** Settings of `remoteJwks`. */
export interface RemoteJwksOptions {
  /** How old keys may be while the endpoint answers; they are refreshed at 70 to 80 % of it. Default `'10m'`. */
  readonly maxAge?: Duration
  /** How long past `maxAge` they are used while the endpoint fails. Default `'1h'`. */
  readonly maxStale?: Duration
  /** The least time between two fetches for unknown key ids, and the longest wait after failures. Default `'30s'`. */
  readonly cooldown?: Duration
  /** The longest a fetch may take, its body included. Default `'2s'`. */
  readonly deadline?: Duration
  /** The largest document, in bytes. Default 262144 (256 KiB). */
  readonly maxBytes?: number
  /** Whether plain `http:` is allowed to an address of this machine, for tests. Default `false`. */
  readonly allowLoopback?: boolean
  /** For a proxy, a client certificate, a test. Default: the global `fetch`. */
  readonly fetch?: FetchKeys
  /** Gets every outcome of a fetch and every key that is skipped. Default: nobody does. */
  readonly onEvent?: (event: KeySetEvent) => void
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The defaults of {@link RemoteJwksOptions}. */
export const REMOTE_JWKS_DEFAULTS = {
  maxAge: '10m',
  maxStale: '1h',
  cooldown: '30s',
  deadline: '2s',
  maxBytes: 262_144,
  allowLoopback: false,
} as const

/** What a remote key set tells. */
export type KeySetEvent = KeeperEvent | ({ readonly type: 'keys.skipped' } & SkippedKey)

/** An issuer's key set behind a URL. Make one per URL and process, and give it to every `jwt` that needs it. */
export interface RemoteJwks extends JwksKeeper {
  readonly [REMOTE]: true
}

const REMOTE = Symbol.for('headgate.remote-jwks')

/**
 * Fetches an issuer's keys and keeps them: the first fetch starts now, and the refreshing goes on until `close()`.
 *
 * @throws TypeError when the URL is not `https:`.
 */
export function remoteJwks(url: string, options: RemoteJwksOptions = {}): RemoteJwks {
  checkKnown('remoteJwks', options, [...Object.keys(REMOTE_JWKS_DEFAULTS), 'fetch', 'onEvent', 'clock'])
  const {
    maxBytes,
    allowLoopback,
    clock = systemClock,
    onEvent,
    ...given
  } = { ...REMOTE_JWKS_DEFAULTS, ...options }
  const { fetch = globalThis.fetch } = options
  checkFunction('remoteJwks: fetch', fetch)
  if (onEvent !== undefined) checkFunction('remoteJwks: onEvent', onEvent)
  checkMethods('remoteJwks: clock', clock, ['now', 'after'])
  checkInteger('remoteJwks: maxBytes', maxBytes)
  const deadline = milliseconds('remoteJwks: deadline', given.deadline)
  const report = teller(onEvent)
  const address = checkEndpoint('remoteJwks: url', url, allowLoopback)

  const keeper = keepKeys({
    clock,
    maxAge: milliseconds('remoteJwks: maxAge', given.maxAge),
    maxStale: milliseconds('remoteJwks: maxStale', given.maxStale),
    cooldown: milliseconds('remoteJwks: cooldown', given.cooldown),
    load,
    random: () => randomInt(1_000_000) / 1_000_000,
    report,
  })
  return { ...keeper, [REMOTE]: true }

  async function load(previous: KeySet | undefined): Promise<KeySet | FetchFailure> {
    const fetched = await withDeadline(clock, deadline, (signal) =>
      fetchJwks(fetch, address, maxBytes, signal),
    )
    if (fetched === LATE) return 'deadline'
    if (typeof fetched === 'string') return fetched
    const document = readKeySet(fetched.document)
    if (document === undefined) return 'malformed'
    for (const key of document.skipped) report({ type: 'keys.skipped', ...key })
    return importKeySet(document, previous).catch(() => 'malformed' as const)
  }
}

/** Whether a value was made by {@link remoteJwks}, also by another copy of this package. */
export function isRemoteJwks(value: unknown): value is RemoteJwks {
  return typeof value === 'object' && value !== null && REMOTE in value
}
