import type { Refusal, RefusalCode } from '@headgate/core'
import { isAccepted, type MediaType } from './accept.js'

/** Refusals that say to a client: later. */
const LATER: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'quota-exceeded',
  'concurrency-exceeded',
  'caller-blocked',
])

/** A refusal in the eyes of clients that read GraphQL's errors and no statuses. */
export interface Throttled {
  readonly code: 'THROTTLED'
  readonly status: number
  readonly media: MediaType
}

/**
 * How such clients hear of a limit; undefined for every other refusal. The media type made for GraphQL has no 2xx
 * without `data` (GraphQL over HTTP, 6.4.2): who takes the older one too gets that.
 *
 * @param media what the client likes best.
 * @param wellFormed whether the request got as far as GraphQL: 200 says that it did.
 */
export function throttledForm(
  { code, status }: Refusal,
  accept: string | undefined,
  media: MediaType,
  wellFormed: boolean,
): Throttled | undefined {
  if (!LATER.has(code)) return undefined
  return wellFormed && isAccepted(accept, 'application/json')
    ? { code: 'THROTTLED', status: 200, media: 'application/json' }
    : { code: 'THROTTLED', status, media }
}
