import { type Clock, systemClock } from '../clock.js'
import type { Exchange, Next, Policy } from '../exchange.js'
import { type Reply, withHeaders } from '../reply.js'
import { keyOf } from '../key.js'
import { type CacheRule, canonicalPathOf } from '../operation.js'
import { checkInteger, checkKnown, checkMethods, checkText } from '../options.js'
import { isRefusal, refuse } from '../refusal.js'
import { bypassOf, requestDirectives } from './bypass.js'
import type { CacheBypassReason } from './reasons.js'
import type { Directives } from './cache-control.js'
import { cacheStatus } from './cache-status.js'
import { forward, type ForwardSetting, type Missed } from './forward.js'
import { answerFrom, whyUnusable } from './hit.js'
import { invalidation } from './invalidation.js'
import { type CheckedRule, ruleChecker } from './rule.js'
import type { CacheStore, CacheLookup } from './store.js'
import { variantSelector } from './vary.js'

/** Settings of {@link cache}. */
export interface CacheOptions {
  /** Where answers are kept. Required. */
  readonly store: CacheStore
  /** This cache's name in the `Cache-Status` field. Printable ASCII. Default `'headgate'`. */
  readonly name?: string
  /** The largest content that is stored, in bytes. Larger answers pass. Default 1 MiB (1048576). */
  readonly maxBodyBytes?: number
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What {@link cache} does where nothing is said. */
export const CACHE_DEFAULTS = { name: 'headgate', maxBodyBytes: 1_048_576 } as const

/**
 * Answers reads from a store (RFC 9111), each identity from its own entries unless the answer or its rule is public,
 * and forgets what a write changed before the write's answer goes out.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function cache(options: CacheOptions): Policy {
  checkKnown('cache', options, ['store', 'name', 'maxBodyBytes', 'clock'])
  const { store, clock = systemClock } = options
  const { name = CACHE_DEFAULTS.name, maxBodyBytes = CACHE_DEFAULTS.maxBodyBytes } = options
  checkMethods('cache: store', store, ['lookup', 'fill', 'invalidate'])
  checkMethods('cache: clock', clock, ['now'])
  if (!/^[\x20-\x7e]+$/.test(checkText('cache: name', name))) {
    throw new TypeError('cache: name must be printable ASCII')
  }
  checkInteger('cache: maxBodyBytes', maxBodyBytes)

  const status = cacheStatus(name)
  const setting: ReadSetting = { store, clock, maxBodyBytes, status, checked: ruleChecker() }
  const invalidate = invalidation(store)

  return {
    name: 'cache',
    stage: 'cache',
    handle(exchange, next) {
      const { effect, cache: rule } = exchange.operation
      if (effect === 'write') return write(setting, exchange, next, invalidate)
      // What is upgraded is no answer any more.
      if (exchange.header('upgrade') !== undefined) return next()
      return rule === 'off' ? bypass(setting, exchange, 'off', next) : read(setting, exchange, rule, next)
    },
  }
}

interface ReadSetting extends ForwardSetting {
  readonly checked: (rule: CacheRule) => CheckedRule
}

async function write(
  { status }: ForwardSetting,
  exchange: Exchange,
  next: Next,
  invalidate: ReturnType<typeof invalidation>,
): Promise<Reply> {
  let reply: Reply | undefined
  try {
    reply = await next()
  } finally {
    // Also after a throw: what the handler did before it is done.
    await invalidate(exchange, reply)
  }
  if (reply.kind === 'refusal' || reply.uncaptured) return reply
  return withHeaders(reply, { 'cache-status': status.forwarded(reply.headers, { fwd: 'method' }) })
}

async function read(
  setting: ReadSetting,
  exchange: Exchange,
  declared: CacheRule,
  next: Next,
): Promise<Reply> {
  const rule = setting.checked(declared)
  const control = requestDirectives(exchange)
  const obstacle = bypassOf(exchange, rule, control)
  if (obstacle !== undefined) return bypass(setting, exchange, obstacle, next, control)
  const fingerprint = await exchange.operation.fingerprint()
  if (isRefusal(fingerprint)) return bypass(setting, exchange, 'fingerprint', next, control)

  const [ownKey, publicKey] = entryKeys(exchange, fingerprint)
  const found = await lookup(setting, exchange, [ownKey, publicKey])
  if (found === undefined) return bypass(setting, exchange, 'store-failed', next, control)

  const reason = found.state === 'hit' ? whyUnusable(found, control) : found.reason
  if (found.state === 'hit' && reason === undefined) return answerFrom(setting, exchange, found)
  if (control.has('only-if-cached')) return refuse('not-cached')
  const missed: Missed = { reason: reason ?? 'uri-miss', ticket: found.ticket, ownKey, publicKey }
  return forward(setting, exchange, rule, missed, next)
}

async function lookup(
  { store }: ForwardSetting,
  exchange: Exchange,
  keys: readonly string[],
): Promise<CacheLookup | undefined> {
  try {
    return await store.lookup(keys, variantSelector(exchange))
  } catch {
    exchange.report({ type: 'cache.store-failed', call: 'lookup' })
    return undefined
  }
}

async function bypass(
  { status }: ForwardSetting,
  exchange: Exchange,
  reason: CacheBypassReason,
  next: Next,
  control?: Directives,
): Promise<Reply> {
  if (control?.has('only-if-cached')) return refuse('not-cached')
  exchange.report({ type: 'cache.bypassed', reason })
  const reply = await next()
  if (reply.kind === 'refusal' || reply.uncaptured) return reply
  const forwarded =
    reason === 'method' ? { fwd: 'method' as const } : { fwd: 'bypass' as const, detail: reason }
  return withHeaders(reply, { 'cache-status': status.forwarded(reply.headers, forwarded) })
}

/**
 * The key among the caller's own answers, and the one among everybody's. HEAD is answered from a stored GET; answers to
 * any two other methods meet only where the operation says so. Callers without a name share a partition, and it is not
 * the public one: what nobody may see is no answer for somebody. Services that are told apart by other means than the
 * origin stay apart here too.
 */
function entryKeys(exchange: Exchange, fingerprint: string): readonly [string, string] {
  const { origin, identity, operation } = exchange
  const method = exchange.method === 'HEAD' || operation.byAnyMethod ? 'GET' : exchange.method
  const path = canonicalPathOf(operation, exchange.path, method)
  const service = operation.host === undefined ? [] : ['host', operation.host]
  return [
    keyOf('cache', 'own', method, origin, path, fingerprint, identity?.partition, ...service),
    keyOf('cache', 'public', method, origin, path, fingerprint, undefined, ...service),
  ]
}
