/** What `cache` tells observers. */
export interface CacheEvent {
  readonly type: 'cache.decided'
}
