import type { Exchange } from '../exchange.js'
import { linesOf } from '../fields.js'
import type { Answer, Reply } from '../reply.js'
import type { CacheStore } from './store.js'
import { addressTagKeys, referenceTagKeys, tagKeys } from './tags.js'

/** An outcome nobody saw: the handler threw, or may have run behind a refusal. */
const UNSEEN: Answer = { kind: 'answer', status: 500, headers: {}, body: null }

/** Forgets what a write changed. Done when no store serves it any more. */
export type Invalidation = (exchange: Exchange, reply: Reply | undefined) => Promise<void>

/** Makes the invalidation for a store. `reply` is undefined where the handler threw. */
export function invalidation(store: CacheStore): Invalidation {
  return async (exchange, reply) => {
    const outcome = outcomeOf(reply)
    if (outcome === undefined) return
    const keys = keysOf(exchange, outcome)
    try {
      await store.invalidate(keys)
      exchange.report({ type: 'cache.invalidated', tags: keys.length })
    } catch {
      exchange.report({ type: 'cache.store-failed', call: 'invalidate' })
    }
  }
}

/**
 * The answer to invalidate by; undefined when nothing changed. A 4xx and a refusal changed nothing (RFC 9111 4.4); a
 * 5xx may have, and is taken as if it had.
 */
function outcomeOf(reply: Reply | undefined): Answer | undefined {
  if (reply === undefined) return UNSEEN
  if (reply.kind === 'refusal') return reply.status >= 500 ? UNSEEN : undefined
  // What writes to the socket itself leaves no status to judge by.
  return reply.uncaptured || reply.status < 400 || reply.status >= 500 ? reply : undefined
}

function keysOf(exchange: Exchange, outcome: Answer): readonly string[] {
  const named = ['location', 'content-location']
    .flatMap((name) => linesOf(outcome.headers, name))
    .flatMap((reference) => referenceTagKeys(exchange, reference))
  return [...new Set([...addressTagKeys(exchange), ...named, ...entityKeys(exchange, outcome)])]
}

function entityKeys(exchange: Exchange, outcome: Answer): readonly string[] {
  try {
    return tagKeys(exchange.operation.invalidates(outcome))
  } catch {
    exchange.report({ type: 'cache.tags-failed', call: 'invalidates' })
    return []
  }
}
