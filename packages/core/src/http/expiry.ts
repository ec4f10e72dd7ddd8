import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.js'
import type { Exchange } from '../exchange.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkChoice, checkKnown } from '../options.js'

/** When answers that still flow end with their caller's credential. */
export interface ExpiryOptions {
  /** How long after the credential's end, for clocks that differ. Default `'30s'`, as for tokens. */
  readonly tolerance?: Duration
  /** Whether an answer with a `Content-Length` is cut too, or finishes. Default `'cut'`. */
  readonly downloads?: 'cut' | 'finish'
}

/** What holds where nothing else is said. */
export const EXPIRY_DEFAULTS = { tolerance: '30s', downloads: 'cut' } as const satisfies ExpiryOptions

/** Keeps an eye on the answers of exchanges. */
export interface ExpiryWatch {
  /** @param response the client's own, also where a handler runs detached from it. */
  add(exchange: Exchange, response: ServerResponse): void
  /** The handler is done. `flows`: its answer may go on, as a stream does. */
  answered(exchange: Exchange, flows: boolean): void
}

/** How often it looks. */
const INTERVAL = 1_000

/**
 * Cuts answers whose callers' credentials ended: the client sees a transfer that broke off, never one that looks
 * whole. A handler that has not answered is left alone, it was asked in time; so is what only waits to be read.
 *
 * One timer for all of them, and none while nothing is watched. Each look compares times, so that a clock that steps
 * and a token that is good for years need no timer of their own.
 *
 * @throws TypeError that names the option.
 */
export function expiryWatch(clock: Clock, options: ExpiryOptions = {}): ExpiryWatch {
  checkKnown('gate: expiry', options, ['tolerance', 'downloads'])
  const { tolerance = EXPIRY_DEFAULTS.tolerance, downloads = EXPIRY_DEFAULTS.downloads } = options
  const delay = milliseconds('gate: expiry.tolerance', tolerance)
  const finishes = checkChoice('gate: expiry.downloads', downloads, ['cut', 'finish']) === 'finish'
  const watched = new Map<Exchange, { readonly response: ServerResponse; flows: boolean }>()
  let looking = false

  const lookLater = (): void => {
    looking = true
    clock.after(INTERVAL, look)
  }
  const look = (): void => {
    looking = false
    const ended = clock.now() - delay
    for (const [exchange, { response, flows }] of watched) {
      if (response.closed) watched.delete(exchange)
      // A handler that writes to the socket itself may never be done.
      else if ((flows || response.headersSent) && hasEnded(exchange, ended)) end(exchange, response)
    }
    if (watched.size > 0) lookLater()
  }
  const end = (exchange: Exchange, response: ServerResponse): void => {
    watched.delete(exchange)
    if (response.writableEnded || (finishes && response.hasHeader('content-length'))) return
    response.destroy()
    exchange.report({ type: 'answer.cut', reason: 'credential-expired' })
  }

  return {
    add(exchange, response) {
      watched.set(exchange, { response, flows: false })
      if (!looking) lookLater()
    },
    answered(exchange, flows) {
      const answer = watched.get(exchange)
      if (answer !== undefined && flows) answer.flows = true
      else watched.delete(exchange)
    },
  }
}

function hasEnded({ identity }: Exchange, now: number): boolean {
  return identity?.expiresAt !== undefined && identity.expiresAt <= now
}
