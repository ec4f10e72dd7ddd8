import { ANONYMOUS, type Identity, isAnonymous } from '../auth/identity.js'
import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import type { Exchange, Next, Policy } from '../exchange.js'
import type { Reply } from '../reply.js'
import { type NewId, randomId } from '../id.js'
import { keyOf } from '../key.js'
import { canonicalPathOf } from '../operation.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods } from '../options.js'
import { isRefusal } from '../refusal.js'
import { answerInstead, type Unclaimed } from './answer-instead.js'
import { type Barrier, deferredBarrier, IMPLIED } from './barrier.js'
import { within } from '../deadline.js'
import type { ExecutionSetting } from './execution-setting.js'
import { execute } from './execution.js'
import { type ParsedKey, parseIdempotencyKey } from './idempotency-key.js'
import { isKeepable, KEPT_HEADERS } from './record.js'
import { callerUnknown, keyMalformed, keyMissing } from './refusals.js'
import type { ClaimVerdict, IdempotencyStore } from './store.js'

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
  readonly maxBody?: number
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

/** The policy, and the barrier of the requests it lets pass. */
export interface IdempotencyPolicy extends Policy {
  /**
   * Passes the effect barrier of a request whose barrier is deferred: await it before the first effect, and let its
   * error go. It does nothing for requests without such a barrier, and when it is called again.
   *
   * Rejects when the effect must not happen: the claim was lost, or the store did not answer.
   */
  begin(exchange: Exchange): Promise<void>
}

/** What holds where nothing else is said. */
export const IDEMPOTENCY_DEFAULTS = {
  retention: '24h',
  lease: '10s',
  maxBody: 1_048_576,
  keepHeaders: [],
  vary: [],
  anonymous: false,
  share: 'identity',
  storeTimeout: '1s',
} as const satisfies Partial<IdempotencyOptions>

/**
 * Runs a write at most once per `Idempotency-Key`, and answers its retries with the first answer.
 *
 * A key belongs to one caller, method and path, and to the operation's `host` where it has one. It is honoured on
 * writes; reads ignore it.
 */
export function idempotency(options: IdempotencyOptions): IdempotencyPolicy {
  const setting = settings(options)
  const barriers = new WeakMap<Exchange, Barrier>()

  return {
    name: 'idempotency',
    stage: 'idempotency',
    needsIdentity: !setting.anonymous,
    handle(exchange, next) {
      const { effect, idempotency: mode } = exchange.operation
      if (effect !== 'write' || mode === 'off') return next()
      const parsed = parseIdempotencyKey(exchange.lines('idempotency-key'))
      if (parsed.kind === 'absent' && mode === 'optional') return next()
      return parsed.kind === 'key'
        ? guarded(setting, barriers, parsed, exchange, next)
        : Promise.resolve(refuseKey(exchange, parsed))
    },
    async begin(exchange) {
      await barriers.get(exchange)?.begin()
    },
  }
}

type Key = Extract<ParsedKey, { kind: 'key' }>

function refuseKey(exchange: Exchange, parsed: Exclude<ParsedKey, Key>): Reply {
  const missing = parsed.kind === 'absent'
  exchange.report({ type: 'idempotency.key-refused', reason: missing ? 'missing' : 'malformed' })
  return missing ? keyMissing() : keyMalformed(parsed.detail)
}

async function guarded(
  setting: Setting,
  barriers: WeakMap<Exchange, Barrier>,
  { key, time }: Key,
  exchange: Exchange,
  next: Next,
): Promise<Reply> {
  const { identity = ANONYMOUS, operation } = exchange
  if (isAnonymous(identity) && !setting.anonymous) {
    exchange.report({ type: 'idempotency.key-refused', reason: 'caller-unknown' })
    return callerUnknown()
  }
  const fingerprint = await operation.fingerprint()
  if (isRefusal(fingerprint)) return fingerprint

  const cell = cellOf(exchange, identity, key)
  const owner = setting.newId()
  // Whatever else a function may return, the safe side is the barrier at the claim.
  const barrier = setting.barrier(exchange) === 'deferred' ? 'deferred' : 'now'
  const verdict = await claim(setting, cell, {
    owner,
    share: shareOf(setting, identity),
    fingerprint: selected(setting, fingerprint, exchange),
    lease: setting.lease,
    retention: setting.retention,
    barrier,
    keyTime: time,
  })
  if (verdict.state !== 'won') return answerInstead(exchange, cell, verdict)
  exchange.report({ type: 'idempotency.claimed', operationRef: cell })
  const won = { cell, owner, fence: verdict.fence }
  if (barrier === 'now') return execute({ setting, won, barrier: IMPLIED, exchange }, next)
  const ahead = deferredBarrier(setting, won)
  barriers.set(exchange, ahead)
  return execute({ setting, won, barrier: ahead, exchange }, next)
}

/**
 * Whose key it is, and of what. The path says which route it is, however it is spelled. A name that a client may choose,
 * as in GraphQL or in `Host`, must not make a second cell.
 */
function cellOf({ operation, method, path }: Exchange, identity: Identity, key: string): string {
  const { host } = operation
  const of = host === undefined ? [] : ['host', host]
  return keyOf('idempotency', identity.key, method, canonicalPathOf(operation, path, method), key, ...of)
}

/** Nothing runs unless the claim is known to be won. */
async function claim(
  { store, clock, storeTimeout }: Setting,
  cell: string,
  init: Parameters<IdempotencyStore['claim']>[1],
): Promise<ClaimVerdict | Unclaimed> {
  const ask = async (): Promise<ClaimVerdict> => store.claim(cell, init)
  const asked = ask()
  try {
    return await within(clock, storeTimeout, asked)
  } catch {
    // The claim may have been won, or be won later. Its owner runs nothing, so it is taken back when that is known.
    const takeBack = (): Promise<boolean> => store.withdraw(cell, init.owner)
    asked.then(takeBack, takeBack).catch(() => undefined)
    return { state: 'unavailable' }
  }
}

/** Whose room in the store a key takes. A digest, as all that stores get. */
function shareOf({ share }: Setting, { key, issuer, tenant }: Identity): string {
  if (share === 'identity' || tenant === undefined) return key
  return keyOf('idempotency', 'tenant', issuer, tenant)
}

/** The fingerprint with the request fields that select behaviour. */
function selected({ vary }: Setting, fingerprint: string, exchange: Exchange): string {
  if (vary.length === 0) return fingerprint
  return keyOf('fingerprint', fingerprint, ...vary.map((name) => exchange.header(name)))
}

interface Setting extends ExecutionSetting {
  readonly vary: readonly string[]
  readonly anonymous: boolean
  readonly share: 'identity' | 'tenant'
  readonly barrier: (exchange: Exchange) => 'now' | 'deferred'
  readonly newId: NewId
}

const KNOWN = [...Object.keys(IDEMPOTENCY_DEFAULTS), 'store', 'barrier', 'clock', 'newId']

function settings(options: IdempotencyOptions): Setting {
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
    maxBody: checkInteger('idempotency: maxBody', all.maxBody, 0),
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
