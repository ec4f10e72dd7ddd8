import type { Incoming } from '../../exchange.js'
import { isWhole } from './component.js'
import type { MessageSignature } from './message-signature.js'
import type { HttpSignatureSettings } from './options.js'

/** Whether a signature covers all of a field or a derived part, and not one member or parameter of it. */
export function covers({ components }: Pick<MessageSignature, 'components'>, name: string): boolean {
  return components.some((component) => component.name === name && isWhole(component))
}

/** What a signature must have and has not. A field that the request lacks can't be covered. */
export function lackingPart(
  required: Pick<HttpSignatureSettings, 'components' | 'nonce'>,
  message: Pick<Incoming, 'lines'>,
  signature: Pick<MessageSignature, 'components' | 'nonce'>,
): string | undefined {
  if (required.nonce === 'required' && signature.nonce === undefined) return 'nonce'
  return required.components.find((name) => {
    const isThere = name.startsWith('@') || message.lines(name).length > 0
    return isThere && !covers(signature, name)
  })
}
