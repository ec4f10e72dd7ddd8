/**
 * Remembers what may be used once: the `jti` of a DPoP proof (RFC 9449 11.1), the nonce of a signature (RFC 9421 7.2.2).
 * What it holds protects somebody, so nothing is evicted before its time: a full store refuses the newcomer.
 */
export interface ReplayStore {
  /**
   * Remembers `id` for that long, in milliseconds; one atomic step. Fails for a time that is none.
   *
   * @param id a digest by `keyOf`, never what the client sent. It is the source's own: under another it is another id.
   * @param source whose share it is charged to, also a digest: one sender must not fill the store for all.
   */
  remember(id: string, source: string, milliseconds: number): Remembered | Promise<Remembered>
}

/**
 * `fresh`: not seen, and remembered now. `seen`: a replay; it is remembered no longer for that. `full`: no room for this
 * source, nothing remembered.
 */
export type Remembered = 'fresh' | 'seen' | 'full'

/**
 * For stores: with such a time every use would be the first.
 *
 * @throws TypeError when it is no time.
 */
export function checkSpan(milliseconds: number): void {
  if (milliseconds > 0 && Number.isFinite(milliseconds)) return
  throw new TypeError('remember: milliseconds must be a positive, finite number')
}
