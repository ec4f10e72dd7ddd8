/** A user's name and password, as the client sent them. */
export interface UserPass {
  readonly username: string
  readonly password: string
}

/** Longer credentials are none: what is hashed stays bounded. */
const LONGEST = 1_024

/**
 * Reads the credential of HTTP Basic (RFC 7617 2): base64 of `user-id:password` in UTF-8. Total: any string gives a pair
 * or undefined. Exactly one spelling is accepted: Node's decoder takes others too.
 */
export function parseUserPass(credential: string): UserPass | undefined {
  if (credential.length > LONGEST) return undefined
  const bytes = Buffer.from(credential, 'base64')
  if (bytes.toString('base64') !== credential) return undefined
  const text = decode(bytes)
  // RFC 7617 2: no control characters; the first colon ends the user-id.
  const colon = text === undefined || /\p{Cc}/u.test(text) ? -1 : text.indexOf(':')
  if (text === undefined || colon < 1) return undefined
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
