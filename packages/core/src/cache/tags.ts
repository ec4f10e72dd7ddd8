import type { Exchange } from '../exchange.js'
import { keyOf } from '../key.js'
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

/** The key of the address a request was made to, with its query. */
export function addressTagKey({ origin, path, query }: Exchange): string {
  const address = `${origin}${path}${query === '' ? '' : `?${query}`}`
  const url = parseUrl(address)
  return keyOf('address', url === undefined ? address : hrefOf(url))
}

/** The key of an address that an answer names. Undefined when it is at another origin (RFC 9111 4.4) or no address. */
export function referenceTagKey({ origin, path }: Exchange, reference: string): string | undefined {
  const base = parseUrl(`${origin}${path}`)
  const url = base && parseUrl(reference, base)
  return url !== undefined && url.origin === base?.origin ? keyOf('address', hrefOf(url)) : undefined
}

function hrefOf({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search}`
}

function parseUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined
}
