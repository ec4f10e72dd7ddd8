/** What `idempotency` tells observers. */
export interface IdempotencyEvent {
  readonly type: 'idempotency.decided'
}
