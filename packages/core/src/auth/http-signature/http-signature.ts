import type { Exchange } from '../../exchange.js'
import { inTime, LATE } from '../../deadline.js'
import { keyOf } from '../../key.js'
import { isRefusal, refuse } from '../../refusal.js'
import { firstUse } from '../first-use.js'
import { createIdentity } from '../identity.js'
import { accepted, type Rejected, type Scheme, undecided, type Verdict } from '../scheme.js'
import { rejectedSignature, usedSignature } from '../signature-verdict.js'
import { isSignedBy, unchangeablePart } from './algorithms.js'
import { isWhole } from './component.js'
import type { SignedMessage } from './component-values.js'
import { isDigestOf } from './content-digest.js'
import { hasSignature, type MessageSignature, readSignature, signatureBase } from './message-signature.js'
import { checkHttpSignatureOptions, type HttpSignatureOptions } from './options.js'
import { isSignatureKey, type SignatureKey } from './signature-key.js'

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
    const missing = lacking(exchange, signature)
    if (missing !== undefined) return rejectedSignature('claim-missing', { at: missing })
    const { components, written } = signature
    const base = signatureBase(messageOf(exchange), components, written, settings.types)
    if (base === undefined) return rejectedSignature('malformed', { at: 'components' })

    const key = await inTime(clock, deadline, () => lookup(signature.keyid))
    if (key === LATE) return undecided()
    const signed = checkKey(signature, base, key)
    if ('verdict' in signed) return signed
    const until = endOf(signature)
    const refused =
      checkTimes(signature, signed, until) ??
      (await checkContent(exchange, signature)) ??
      // Content may take its time: what ended meanwhile is no longer remembered by anybody.
      checkTimes(signature, signed, until)
    return refused ?? use(signature, signed, until)
  }

  function messageOf(exchange: Exchange): SignedMessage {
    const { method, path, query } = exchange
    return { method, path, query, origin: settings.audience(exchange), lines: (name) => exchange.lines(name) }
  }

  /** What must be covered and is not. */
  function lacking(exchange: Exchange, { components, nonce }: MessageSignature): string | undefined {
    if (settings.nonce === 'required' && nonce === undefined) return 'nonce'
    return settings.components.find((name) => {
      if (!name.startsWith('@') && exchange.lines(name).length === 0) return false
      return !components.some((component) => component.name === name && isWhole(component))
    })
  }

  /** When a signature ends by this process's clock, in milliseconds. */
  function endOf({ created, expires = Infinity }: MessageSignature): number {
    return Math.min(created * 1_000 + settings.maxAge, expires * 1_000) + tolerance
  }

  function checkTimes({ created }: MessageSignature, key: SignatureKey, until: number): Rejected | undefined {
    const now = clock.now()
    if (key.disabledAt !== undefined) return rejectedSignature('revoked', GENUINE)
    if (key.expiresAt !== undefined && now >= key.expiresAt) {
      return rejectedSignature('expired', { ...GENUINE, at: 'keyid' })
    }
    if (key.notBefore !== undefined && now < key.notBefore) return rejectedSignature('not-yet-valid', GENUINE)
    if (created * 1_000 > now + tolerance) {
      return rejectedSignature('issued-in-future', { ...GENUINE, at: 'created' })
    }
    return now < until ? undefined : rejectedSignature('expired', { ...GENUINE, at: 'created' })
  }

  async function checkContent(
    exchange: Exchange,
    { components }: MessageSignature,
  ): Promise<Rejected | undefined> {
    if (settings.content === 'ignored') return undefined
    const read = await exchange.body(settings.maxContentBytes)
    const content =
      !isRefusal(read) && read.byteLength > settings.maxContentBytes ? refuse('body-too-large') : read
    if (isRefusal(content)) {
      return rejectedSignature('malformed', { ...GENUINE, at: 'content', refusal: content })
    }
    const isCovered = components.some(
      (component) => component.name === 'content-digest' && isWhole(component),
    )
    if (isCovered) {
      const isRight = isDigestOf(exchange.lines('content-digest'), content)
      return isRight ? undefined : rejectedSignature('bad-signature', { at: 'content-digest' })
    }
    if (content.byteLength === 0) return undefined
    return rejectedSignature('claim-missing', { ...GENUINE, at: 'content-digest' })
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

const GENUINE = { genuine: true } as const

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
