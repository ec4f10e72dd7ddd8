import { LRUCache } from 'lru-cache'
import type { Accepted, Rejected } from '../scheme.js'

/** Remembers verdicts by a token's digest. Losing one costs a question only. */
export interface AnswerCache {
  get(digest: string, now: number): Accepted | Rejected | undefined
  set(digest: string, verdict: Accepted | Rejected, now: number): void
}

/** Refused tokens: few and short, in a cache of their own, so that junk pushes out no good one. */
const REFUSED = { ttl: 5_000, max: 1_000 } as const

interface Entry {
  readonly verdict: Accepted | Rejected
  readonly since: number
  readonly until: number
}

/** @param ttl how long a good token is remembered, in milliseconds; at most half of what is left of its life. */
export function answerCache(ttl: number, max: number): AnswerCache {
  const good = new LRUCache<string, Entry>({ max })
  const refused = new LRUCache<string, Entry>({ max: REFUSED.max })
  return {
    get(digest, now) {
      const entry = good.get(digest) ?? refused.get(digest)
      // A clock that stepped back must not lengthen an entry's life.
      return entry !== undefined && now >= entry.since && now < entry.until ? entry.verdict : undefined
    },
    set(digest, verdict, now) {
      if (verdict.verdict === 'rejected') {
        good.delete(digest)
        refused.set(digest, { verdict, since: now, until: now + REFUSED.ttl })
        return
      }
      const left = (verdict.identity.expiresAt ?? Number.POSITIVE_INFINITY) - now
      good.set(digest, { verdict, since: now, until: now + Math.min(ttl, left / 2) })
      refused.delete(digest)
    },
  }
}
