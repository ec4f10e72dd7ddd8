import { ANONYMOUS, type Identity, isAnonymous } from '../auth/identity.js'
import { within } from '../deadline.js'
import type { Exchange, Next, Policy } from '../exchange.js'
import { keyOf } from '../key.js'
import { canonicalPathOf } from '../operation.js'
import { isRefusal } from '../refusal.js'
import type { Reply } from '../reply.js'
import { answerInstead, type Unclaimed } from './answer-instead.js'
import { type Barrier, deferredBarrier, IMPLIED } from './barrier.js'
import { execute } from './execution.js'
import { type ParsedKey, parseIdempotencyKey } from './idempotency-key.js'
import { checkOptions, type IdempotencyOptions, type IdempotencySetting } from './options.js'
import { callerUnknown, keyMalformed, keyMissing } from './refusals.js'
import type { ClaimVerdict, IdempotencyStore } from './store.js'

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

/**
 * Runs a write at most once per `Idempotency-Key`, and answers its retries with the first answer.
 *
 * A key belongs to one caller, method and path, and to the operation's `host` where it has one. It is honoured on
 * writes; reads ignore it.
 */
export function idempotency(options: IdempotencyOptions): IdempotencyPolicy {
  const setting = checkOptions(options)
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
  setting: IdempotencySetting,
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
  const service = host === undefined ? [] : ['host', host]
  return keyOf('idempotency', identity.key, method, canonicalPathOf(operation, path, method), key, ...service)
}

/** Nothing runs unless the claim is known to be won. */
async function claim(
  { store, clock, storeTimeout }: IdempotencySetting,
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
function shareOf({ share }: IdempotencySetting, { key, issuer, tenant }: Identity): string {
  if (share === 'identity' || tenant === undefined) return key
  return keyOf('idempotency', 'tenant', issuer, tenant)
}

/** The fingerprint with the request fields that select behaviour. */
function selected({ vary }: IdempotencySetting, fingerprint: string, exchange: Exchange): string {
  if (vary.length === 0) return fingerprint
  return keyOf('fingerprint', fingerprint, ...vary.map((name) => exchange.header(name)))
}
