import { parseItem } from 'structured-headers'

/** What a request's `Idempotency-Key` field lines say. */
export type ParsedKey =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'key'
      readonly key: string
      /** When the client made the key, in milliseconds since the Unix epoch, if the key tells: UUID version 7. */
      readonly time: number | undefined
    }
  | { readonly kind: 'malformed'; readonly detail: string }

/** The longest key: 255 characters. */
const LONGEST_KEY = 255

/** A quoted key with every character escaped, and room for parameters. */
const LONGEST_LINE = 1024

/**
 * Reads `Idempotency-Key`. Pure and total.
 *
 * The draft (draft-ietf-httpapi-idempotency-key-header-07) wants a quoted structured-field string; most clients send
 * the key bare. `k` and `"k"` are the same key.
 *
 * @param lines every line of the field as it was sent. Node joins two lines into one text, which in the other order
 *   would be another key: they are refused.
 */
export function parseIdempotencyKey(lines: readonly string[]): ParsedKey {
  const [line, ...others] = lines
  if (line === undefined) return { kind: 'absent' }
  if (others.length > 0) return malformed('It was sent more than once.')
  if (line.length > LONGEST_LINE) return malformed(`It is longer than ${LONGEST_KEY} characters.`)
  const text = line.replace(/^[ \t]+|[ \t]+$/g, '')
  const key = text.startsWith('"') ? unquoted(text) : text
  if (key === undefined) return malformed('The quoted string is not well formed.')
  if (key === '') return malformed('It is empty.')
  if (key.length > LONGEST_KEY) return malformed(`It is longer than ${LONGEST_KEY} characters.`)
  if (!KEY.test(key)) return malformed('It holds a character other than visible ASCII without comma.')
  return { kind: 'key', key, time: timeOf(key) }
}

/** Visible ASCII but the comma, which a list of two keys would hold. A bare key does not start with a quote. */
const KEY = /^[\x21-\x2b\x2d-\x7e]+$/

/** A String of RFC 9651 3.3.3. Its parameters have no meaning here. */
function unquoted(text: string): string | undefined {
  try {
    const [value] = parseItem(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function malformed(detail: string): ParsedKey {
  return { kind: 'malformed', detail: `The Idempotency-Key is malformed. ${detail}` }
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** The first 48 bits of a UUID version 7 are Unix milliseconds (RFC 9562 5.7). */
function timeOf(key: string): number | undefined {
  const match = UUID_V7.exec(key)
  return match ? Number.parseInt(`${match[1]}${match[2]}`, 16) : undefined
}
