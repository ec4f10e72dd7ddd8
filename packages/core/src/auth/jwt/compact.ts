/** An object read from JSON. Read its members with `Object.hasOwn` only. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A token's parts, unverified. */
export interface CompactToken {
  readonly header: JsonObject
  readonly payload: JsonObject
}

/**
 * Parses a JWS in compact form. Total: any string gives a token or undefined. Exactly one spelling of a token is
 * accepted: Node's decoder takes `+`, `/`, `=`, skips other characters and ignores loose trailing bits, so one token
 * would have many digests.
 */
export function parseCompact(token: string, maxBytes: number): CompactToken | undefined {
  // A character is at least one byte, and only ASCII is accepted below.
  if (token.length > maxBytes) return undefined
  const [protectedHeader, claims, signature, ...more] = token.split('.', 4)
  if (protectedHeader === undefined || claims === undefined || signature === undefined || more.length > 0) {
    return undefined
  }
  const header = parseObject(protectedHeader)
  const payload = header && parseObject(claims)
  if (header === undefined || payload === undefined || decode(signature) === undefined) return undefined
  return { header, payload }
}

/** UTF-8 without exceptions (RFC 7515 5.2); a byte order mark is not JSON. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseObject(part: string): JsonObject | undefined {
  const bytes = decode(part)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined
  } catch {
    return undefined
  }
}

function decode(part: string): Buffer | undefined {
  if (part === '' || !/^[A-Za-z0-9_-]+$/.test(part)) return undefined
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
