import type { Rejected } from '../scheme.js'
import { unfitSignature } from '../signature-verdict.js'
import type { MessageSignature } from './message-signature.js'
import type { HttpSignatureSettings } from './options.js'
import type { SignatureKey } from './signature-key.js'

/** When a signature ends by this process's clock, in milliseconds since the Unix epoch. */
export function endOf(
  { created, expires = Infinity }: Pick<MessageSignature, 'created' | 'expires'>,
  { maxAge, tolerance }: Pick<HttpSignatureSettings, 'maxAge' | 'tolerance'>,
): number {
  return Math.min(created * 1_000 + maxAge, expires * 1_000) + tolerance
}

/** Whether key and signature are good at a time, both in milliseconds since the Unix epoch; `until` is its end. */
export function checkTimes(
  { created, until }: Pick<MessageSignature, 'created'> & { readonly until: number },
  { disabledAt, expiresAt, notBefore }: SignatureKey,
  now: number,
  tolerance: number,
): Rejected | undefined {
  if (disabledAt !== undefined) return unfitSignature('revoked')
  if (expiresAt !== undefined && now >= expiresAt) return unfitSignature('expired', { at: 'keyid' })
  if (notBefore !== undefined && now < notBefore) return unfitSignature('not-yet-valid')
  if (created * 1_000 > now + tolerance) return unfitSignature('issued-in-future', { at: 'created' })
  return now < until ? undefined : unfitSignature('expired', { at: 'created' })
}
