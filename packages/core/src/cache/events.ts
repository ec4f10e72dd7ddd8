import type { CacheBypassReason, CacheNotStoredReason } from './reasons.js'

/** What `cache` tells observers. Holds codes and numbers only. */
export type CacheEvent =
  /** A stored answer was served. `ttl`, `age`: milliseconds. `notModified`: as a 304. */
  | { readonly type: 'cache.hit'; readonly age: number; readonly ttl: number; readonly notModified: boolean }
  /** The handler had to run. `request`: a stored answer was there, but the client did not want it. */
  | { readonly type: 'cache.miss'; readonly reason: 'uri-miss' | 'vary-miss' | 'stale' | 'request' }
  /** The request was neither looked up nor stored. */
  | { readonly type: 'cache.bypassed'; readonly reason: CacheBypassReason }
  /** An answer was stored. `shared`: for everybody. `bytes`: of its content. `ttl`: milliseconds. */
  | { readonly type: 'cache.stored'; readonly shared: boolean; readonly bytes: number; readonly ttl: number }
  | { readonly type: 'cache.not-stored'; readonly reason: CacheNotStoredReason }
  /** A write invalidated this many tags, its address among them. */
  | { readonly type: 'cache.invalidated'; readonly tags: number }
  /** The store failed. After `invalidate`, answers older than the write may be served until they expire. */
  | { readonly type: 'cache.store-failed'; readonly call: 'lookup' | 'fill' | 'invalidate' }
  /** The operation's `tags` or `invalidates` threw: nothing is stored, or the address alone is invalidated. */
  | { readonly type: 'cache.tags-failed'; readonly call: 'tags' | 'invalidates' }
