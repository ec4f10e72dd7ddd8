import type { RejectionReason } from './events.js'
import { rejected, type Rejected, type RejectionDetail } from './scheme.js'

/** Says that a signature is bad. Only who made it is told why. */
export function rejectedSignature(reason: RejectionReason, detail: RejectionDetail = {}): Rejected {
  const description = detail.genuine === true ? DESCRIPTIONS[reason] : undefined
  const challenge = {
    error: 'invalid_signature',
    ...(description !== undefined && { error_description: description }),
  }
  return rejected(reason, { ...detail, challenge })
}

/** Says that a signature was made by whom it names, and is refused for what it says. */
export function unfitSignature(reason: RejectionReason, detail: RejectionDetail = {}): Rejected {
  return rejectedSignature(reason, { ...detail, genuine: true })
}

/** Says that a signature is good no more: it was taken before. */
export function usedSignature(): Rejected {
  return unfitSignature('replayed')
}

const DESCRIPTIONS: Readonly<Partial<Record<RejectionReason, string>>> = {
  expired: 'signature too old',
  'not-yet-valid': 'key not yet valid',
  'issued-in-future': 'signature created in the future',
  'claim-missing': 'signature does not cover the content',
  revoked: 'key disabled',
  replayed: 'signature was used before',
}
