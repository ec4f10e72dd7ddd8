import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import type { Exchange } from '../exchange.js'
import { type NewId, randomId } from '../id.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods } from '../options.js'
import type { ExecutionSetting } from './execution-setting.js'
import { isKeepable, KEPT_HEADERS } from './record.js'
import type { IdempotencyStore } from './store.js'

/** Settings of `idempotency`. */
export interface IdempotencyOptions {
  /** Where keys and answers live. Required: what it promises is what the policy promises. */
  readonly store: IdempotencyStore
  /** How long an answer is kept for retries, and an operation of unknown outcome is refused. Default `'24h'`. */
  readonly retention?: Duration
  /**
   * How long a running operation is believed to live without a sign of life; it gives one every third of that. A
   * lapsed one reads as *outcome unknown* and is never run again. Default `'10s'`.
   */
  readonly lease?: Duration
  /** The longest body that is kept, in bytes. Of a longer one status and location are kept. Default 1048576 (1 MiB). */
  readonly maxBodyBytes?: number
  /** Names of answer fields to keep beside the ones that are kept anyway. Default: none. */
  readonly keepHeaders?: readonly string[]
  /** Names of request fields that select what the operation does: another value is another request. Default: none. */
  readonly vary?: readonly string[]
  /**
   * Honours keys of callers that nobody authenticated. They share one key space: who knows another's key can read the
   * answer to it. Default `false`: such a request is refused if it has a key.
   */
  readonly anonymous?: boolean
  /**
   * Who has a share of the store: each caller, or all callers of a tenant together; one without a tenant has a share of
   * its own. Anonymous callers have one share. Default `'identity'`.
   */
  readonly share?: 'identity' | 'tenant'
  /**
   * Where the effect barrier stands. `now`: at the claim, so all that a handler does is past it. `deferred`: where the
   * handler calls `begin`; what ends before it leaves the key free. Default: `now` for every request.
   */
  readonly barrier?: (exchange: Exchange) => 'now' | 'deferred'
  /** How long one call of the store may take; less than a third of `lease`. Default `'1s'`. */
  readonly storeTimeout?: Duration
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
  /** Makes the nonce of an attempt. Default: random UUIDs. */
  readonly newId?: NewId
}

/** What holds where nothing else is said. */
export const IDEMPOTENCY_DEFAULTS = {
  retention: '24h',
  lease: '10s',
  maxBodyBytes: 1_048_576,
  keepHeaders: [],
  vary: [],
  anonymous: false,
  share: 'identity',
  storeTimeout: '1s',
} as const satisfies Partial<IdempotencyOptions>

/** Settings that were checked. */
export interface IdempotencySetting extends ExecutionSetting {
  readonly vary: readonly string[]
  readonly anonymous: boolean
  readonly share: 'identity' | 'tenant'
  readonly barrier: (exchange: Exchange) => 'now' | 'deferred'
  readonly newId: NewId
}

const KNOWN = [...Object.keys(IDEMPOTENCY_DEFAULTS), 'store', 'barrier', 'clock', 'newId']

/** @throws TypeError that names the option. */
export function checkOptions(options: IdempotencyOptions): IdempotencySetting {
  checkKnown('idempotency', options, KNOWN)
  const all = { ...IDEMPOTENCY_DEFAULTS, barrier: atClaim, clock: systemClock, newId: randomId, ...options }
  checkMethods('idempotency: store', all.store, [
    'claim',
    'begin',
    'renew',
    'complete',
    'release',
    'withdraw',
  ])
  checkMethods('idempotency: clock', all.clock, ['now', 'after'])
  checkFunction('idempotency: newId', all.newId)
  checkFunction('idempotency: barrier', all.barrier)
  if (typeof all.anonymous !== 'boolean') throw new TypeError('idempotency: anonymous must be true or false')
  const keepHeaders = fieldNames('keepHeaders', all.keepHeaders)
  const refused = keepHeaders.find((name) => !isKeepable(name))
  if (refused !== undefined) {
    throw new TypeError(`idempotency: keepHeaders must not name '${refused}', which is never replayed`)
  }
  const lease = milliseconds('idempotency: lease', all.lease)
  const storeTimeout = milliseconds('idempotency: storeTimeout', all.storeTimeout)
  if (storeTimeout >= lease / 3) {
    // A renewal that takes as long as that must still come before the lease has lapsed.
    throw new TypeError('idempotency: storeTimeout must be shorter than a third of lease')
  }
  return {
    store: all.store,
    clock: all.clock,
    newId: all.newId,
    barrier: all.barrier,
    anonymous: all.anonymous,
    share: checkChoice('idempotency: share', all.share, ['identity', 'tenant']),
    vary: fieldNames('vary', all.vary),
    keep: [...new Set([...KEPT_HEADERS, ...keepHeaders])],
    lease,
    retention: milliseconds('idempotency: retention', all.retention),
    storeTimeout,
    maxBodyBytes: checkInteger('idempotency: maxBodyBytes', all.maxBodyBytes, 0),
  }
}

function atClaim(): 'now' {
  return 'now'
}

function fieldNames(option: string, names: unknown): readonly string[] {
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && FIELD_NAME.test(name))) {
    throw new TypeError(`idempotency: ${option} must be an array of header field names`)
  }
  return names.map((name: string) => name.toLowerCase())
}

/** A token of RFC 9110 5.6.2. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
