import type { Clock } from '../clock.js'
import type { Exchange } from '../exchange.js'
import type { Fields } from '../fields.js'
import type { Answer } from '../reply.js'
import { storedFields } from './fields.js'
import type { CacheNotStoredReason } from './reasons.js'
import type { Storable } from './storable.js'
import type { CacheStore, CacheFillOutcome } from './store.js'
import { addressTagKeys, tagKeys } from './tags.js'
import { variantSelector } from './vary.js'

/** More tags than this cost more than the answer saves. */
const MOST_TAGS = 1_000

/** Where an answer goes: drawn at the lookup, before the handler ran. */
export interface Place {
  readonly exchange: Exchange
  readonly key: string
  readonly ticket: string
}

/** Stores the content of one answer. Undefined when the store has not answered yet. Never throws. */
export type Fill = (content: Uint8Array | null) => 'stored' | CacheNotStoredReason | undefined

/** Prepares the fill of `answer`, whose content may come later, or says why there can be none. */
export function prepareFill(
  store: CacheStore,
  clock: Clock,
  place: Place,
  answer: Answer,
  how: Storable,
): Fill | CacheNotStoredReason {
  const tags = tagsOf(place.exchange, answer)
  if (typeof tags === 'string') return tags
  const arrived = clock.now()

  return (content) => {
    const waited = Math.max(0, clock.now() - arrived)
    const rest = how.lifetime - how.initialAge - waited
    const report = (outcome: 'stored' | CacheNotStoredReason): 'stored' | CacheNotStoredReason => {
      place.exchange.report(
        outcome === 'stored'
          ? { type: 'cache.stored', shared: how.shared, bytes: content?.byteLength ?? 0, ttl: rest }
          : { type: 'cache.not-stored', reason: outcome },
      )
      return outcome
    }
    if (!hasAnnouncedLength(answer.headers, content)) return report('wrong-length')
    if (rest <= 0) return report('stale')
    return settle(report, place.exchange, () =>
      store.fill(place.key, place.ticket, {
        vary: how.vary,
        variant: variantSelector(place.exchange)(how.vary),
        tags,
        keep: rest,
        answer: {
          status: answer.status,
          headers: storedHeaders(answer.headers, how.excluded, content),
          body: content,
          lifetime: how.lifetime,
          initialAge: how.initialAge + waited,
        },
      }),
    )
  }
}

/** A store in the process has answered at once; nobody waits for one over the network. */
function settle(
  report: (outcome: CacheFillOutcome | 'store-failed') => 'stored' | CacheNotStoredReason,
  exchange: Exchange,
  fill: () => CacheFillOutcome | Promise<CacheFillOutcome>,
): 'stored' | CacheNotStoredReason | undefined {
  const fail = (): 'stored' | CacheNotStoredReason => {
    exchange.report({ type: 'cache.store-failed', call: 'fill' })
    return report('store-failed')
  }
  try {
    const outcome = fill()
    if (typeof outcome === 'string') return report(outcome)
    outcome.then(report, fail)
    return undefined
  } catch {
    return fail()
  }
}

function tagsOf(exchange: Exchange, answer: Answer): readonly string[] | CacheNotStoredReason {
  try {
    const tags = exchange.operation.tags(answer)
    if (tags.length > MOST_TAGS) return 'too-many-tags'
    // A POST that reads is one of many operations at one address: a write there says nothing about it.
    const address = exchange.method === 'POST' ? [] : addressTagKeys(exchange)
    return [...address, ...tagKeys(tags)]
  } catch {
    exchange.report({ type: 'cache.tags-failed', call: 'tags' })
    return 'tags-failed'
  }
}

/** Node sends a wrong Content-Length as it is told; kept, it would break the answer for every client to come. */
function hasAnnouncedLength(headers: Fields, content: Uint8Array | null): boolean {
  const announced = headers['content-length']
  return announced === undefined || String(announced) === String(content?.byteLength ?? 0)
}

/** With its length, for HEAD is answered from these fields too. */
function storedHeaders(headers: Fields, excluded: readonly string[], content: Uint8Array | null): Fields {
  const stored = storedFields(headers, excluded)
  if (content !== null) stored['content-length'] = String(content.byteLength)
  return stored
}
