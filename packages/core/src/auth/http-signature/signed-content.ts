import type { Incoming } from '../../exchange.js'
import { isRefusal, refuse } from '../../refusal.js'
import type { Rejected } from '../scheme.js'
import { rejectedSignature, unfitSignature } from '../signature-verdict.js'
import { isDigestOf } from './content-digest.js'
import { covers } from './coverage.js'
import type { MessageSignature } from './message-signature.js'
import type { HttpSignatureSettings } from './options.js'

/** Reads the content and holds it against the digest that the signature covers. */
export async function checkContent(
  { content: demand, maxContentBytes }: Pick<HttpSignatureSettings, 'content' | 'maxContentBytes'>,
  incoming: Pick<Incoming, 'body' | 'lines'>,
  signature: MessageSignature,
): Promise<Rejected | undefined> {
  if (demand === 'ignored') return undefined
  const read = await incoming.body(maxContentBytes)
  // What a parser before the gate read was held to its own limit.
  const isTooLong = !isRefusal(read) && read.byteLength > maxContentBytes
  const content = isTooLong ? refuse('body-too-large') : read
  if (isRefusal(content)) return unfitSignature('malformed', { at: 'content', refusal: content })
  if (covers(signature, 'content-digest')) {
    const isRight = isDigestOf(incoming.lines('content-digest'), content)
    return isRight ? undefined : rejectedSignature('bad-signature', { at: 'content-digest' })
  }
  return content.byteLength === 0 ? undefined : unfitSignature('claim-missing', { at: 'content-digest' })
}
