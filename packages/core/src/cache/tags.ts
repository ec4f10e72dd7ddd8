import type { Exchange } from '../exchange.js'
import type { Answer } from '../reply.js'
import { locatedPaths, parseUrl } from '../http/location.js'
import { normalPercent } from '../http/percent.js'
import { keyOf } from '../key.js'
import { canonicalPathOf } from '../operation.js'
import type { Tag } from '../tag.js'
import type { CacheStore } from './store.js'

/** The store keys of tags: ids of entities are not to be read from a store. */
export function tagKeys(tags: readonly Tag[]): readonly string[] {
  return [...new Set(tags)].map((tag) => keyOf('tag', tag))
}

/**
 * Forgets every answer made from one of `tags`, for changes that no request through the gate makes: a job, a
 * message, another service.
 */
export async function invalidateTags(store: CacheStore, tags: readonly Tag[]): Promise<void> {
  await store.invalidate(tagKeys(tags))
}

/** The keys of the address a request was made to, with its query: as it was sent, and in its one spelling. */
export function addressTagKeys(exchange: Exchange): readonly string[] {
  const { path, query } = exchange
  return spellings(exchange, path).map((spelling) => addressKey(exchange, spelling, query && `?${query}`))
}

/** The keys of an address that an answer names. None when it is at another origin (RFC 9111 4.4) or no address. */
export function referenceTagKeys(exchange: Exchange, reference: string): readonly string[] {
  const base = parseUrl(`${exchange.origin}${exchange.path}`)
  const url = base && parseUrl(reference, base)
  if (url === undefined || url.origin !== base?.origin) return []
  return spellings(exchange, url.pathname).map((spelling) => addressKey(exchange, spelling, url.search))
}

/**
 * Whether an answer leads from one spelling of its address to another. An entry serves all of them: who follows would
 * be led in a circle.
 */
export function isRespelling({ path, operation, method }: Exchange, { status, headers }: Answer): boolean {
  if (status < 300 || status > 399) return false
  const own = canonicalPathOf(operation, path, method)
  return locatedPaths(path, headers).some(
    (located) => located !== path && canonicalPathOf(operation, located, method) === own,
  )
}

/**
 * An entry serves every spelling of its path, and a write may use any: the one that both have is among these. What a
 * path leads to depends on the method; what is stored was mostly asked with GET.
 */
function spellings({ operation, method }: Exchange, path: string): readonly string[] {
  const asked = ['GET', method].map((each) => canonicalPathOf(operation, path, each))
  return [...new Set([path, ...asked])]
}

/** An entry serves every spelling of its query too, as its fingerprint does. */
function addressKey({ origin }: Exchange, path: string, search: string): string {
  const address = `${origin}${path}${normalPercent(search)}`
  const url = parseUrl(address)
  return keyOf('address', url === undefined ? address : `${url.origin}${url.pathname}${url.search}`)
}
