import { inTime, LATE } from '../../deadline.js'
import type { Exchange } from '../../exchange.js'
import { keyOf } from '../../key.js'
import { firstUse } from '../first-use.js'
import { createIdentity } from '../identity.js'
import { accepted, type Rejected, type Scheme, undecided, type Verdict } from '../scheme.js'
import { rejectedSignature, usedSignature } from '../signature-verdict.js'
import { isSignedBy, unchangeablePart } from './algorithms.js'
import type { SignedMessage } from './component-values.js'
import { lackingPart } from './coverage.js'
import { hasSignature, type MessageSignature, readSignature, signatureBase } from './message-signature.js'
import { checkHttpSignatureOptions, type HttpSignatureOptions } from './options.js'
import { checkContent } from './signed-content.js'
import { isSignatureKey, type SignatureKey } from './signature-key.js'
import { checkTimes, endOf } from './validity.js'

/**
 * Knows services by the signature of a request (RFC 9421) and of its content (RFC 9530). Key and algorithm are fixed by
 * the configuration; what must be covered is, too. Each signature is good once.
 */
export function httpSignature(options: HttpSignatureOptions): Scheme {
  const settings = checkHttpSignatureOptions(options)
  const { lookup, clock, tolerance, tag, deadline } = settings
  const isFirst = firstUse(settings.replay, clock, deadline)

  return {
    name: 'http-signature',
    credential: { field: 'signature-input', companions: ['signature'] },
    // No registered scheme; RFC 9421 has none.
    challenge: { authScheme: 'Signature', errors: true },
    claims: (text) => hasSignature(text, tag),
    verify: (_text, exchange) => verify(exchange),
  }

  /** The cheap and the harmless first. Content is read, and the store asked, for who made the signature only. */
  async function verify(exchange: Exchange): Promise<Verdict> {
    const signature = readSignature(exchange, tag)
    if ('verdict' in signature) return rejectedSignature(signature.reason, signature)
    const lacking = lackingPart(settings, exchange, signature)
    if (lacking !== undefined) return rejectedSignature('claim-missing', { at: lacking })
    const { components, written, created } = signature
    const base = signatureBase(messageOf(exchange), components, written, settings.types)
    if (base === undefined) return rejectedSignature('malformed', { at: 'components' })

    const key = await inTime(clock, deadline, () => lookup(signature.keyid))
    if (key === LATE) return undecided()
    const signed = checkKey(signature, base, key)
    if ('verdict' in signed) return signed
    const until = endOf(signature, settings)
    const refused =
      checkTimes({ created, until }, signed, clock.now(), tolerance) ??
      (await checkContent(settings, exchange, signature)) ??
      // Content may take its time: what ended meanwhile is no longer remembered by anybody.
      checkTimes({ created, until }, signed, clock.now(), tolerance)
    return refused ?? use(signature, signed, until)
  }

  function messageOf(exchange: Exchange): SignedMessage {
    const { method, path, query } = exchange
    return { method, path, query, origin: settings.audience(exchange), lines: (name) => exchange.lines(name) }
  }

  /** The last check, since it leaves a trace. */
  async function use(signature: MessageSignature, key: SignatureKey, until: number): Promise<Verdict> {
    const { keyid, bytes } = signature
    const id = keyOf('http-signature', keyid, unchangeablePart(bytes, key.algorithm))
    // The clock of another process may be behind this one by the tolerance: it must not find the place empty.
    const found = await isFirst(id, keyOf('http-signature', keyid), until - clock.now() + tolerance)
    if (found === 'seen') return usedSignature()
    return found === 'fresh' ? accepted(identityOf(signature, key)) : found
  }
}

/** An unknown key, a wrong one and another algorithm than its own are one answer to the client. */
function checkKey(
  { alg, bytes }: MessageSignature,
  base: string,
  key: SignatureKey | undefined,
): SignatureKey | Rejected {
  if (key === undefined) return rejectedSignature('unknown-key', { at: 'keyid' })
  // A fault of the lookup must neither let anyone in nor count as a bad signature.
  if (!isSignatureKey(key)) throw new TypeError('httpSignature: lookup returned a record of the wrong shape')
  if (alg !== undefined && alg !== key.algorithm) return rejectedSignature('wrong-type', { at: 'alg' })
  return isSignedBy(key.key, key.algorithm, base, bytes) ? key : rejectedSignature('bad-signature')
}

function identityOf(signature: MessageSignature, key: SignatureKey): ReturnType<typeof createIdentity> {
  const { subject, tenant, tier, scopes = [], roles = [], expiresAt } = key
  const { keyid, created, expires, nonce, tag, components } = signature
  const covered = Object.freeze(components.map(({ identifier }) => identifier))
  const claims = { created, expires, nonce, tag, covered }
  const init = { scheme: 'http-signature', subject, tenant, tier, scopes, roles, expiresAt }
  return createIdentity({ ...init, credentialId: keyid, issuedAt: created * 1_000, claims })
}
