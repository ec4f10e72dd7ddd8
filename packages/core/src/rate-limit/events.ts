/** What `rate-limit` tells observers. */
export interface RateLimitEvent {
  readonly type: 'rate-limit.decided'
}
