/** What `auth` tells observers. */
export interface AuthEvent {
  readonly type: 'auth.decided'
}
