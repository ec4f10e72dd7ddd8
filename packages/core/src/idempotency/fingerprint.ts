import { isUtf8 } from 'node:buffer'
import type { Incoming } from '../exchange.js'
import { normalPercent } from '../http/percent.js'
import { keyOf } from '../key.js'
import { canonicalJson } from './canonical-json.js'
import { isJson, type MediaType, parseMediaType } from './media-type.js'
import { partsOf } from './multipart.js'

/**
 * The rules below have this name. It is a part of every fingerprint: when a deploy changes the rules, a stored
 * fingerprint is another one, and a retry across the deploy is refused rather than compared by the wrong rules.
 */
const ALGORITHM = 'request/1'

const NOTHING = keyOf(ALGORITHM, '')

/**
 * A digest of what makes two requests to one path the same: query, media type and content.
 *
 * JSON is equal when it says the same, whatever the order of members, white space, escapes and the spelling of
 * numbers. Forms are equal part by part. Everything else, and JSON that is not exact, byte by byte: a doubt refuses
 * a retry, it never answers one request with the reply to another.
 */
export function requestFingerprint(incoming: Incoming, content: Uint8Array): string {
  const query = normalPercent(incoming.query)
  if (content.byteLength === 0) return query === '' ? NOTHING : keyOf(ALGORITHM, query)
  const type = parseMediaType(incoming.header('content-type') ?? '')
  const coding = incoming.header('content-encoding')
  return keyOf(ALGORITHM, query, type.text, coding, ...(meaning(type, coding, content) ?? ['bytes', content]))
}

type KeyPart = string | number | Uint8Array

/** The content in a form that is equal for equal meaning; undefined where only the bytes are sure. */
function meaning(
  type: MediaType,
  coding: string | undefined,
  content: Uint8Array,
): readonly KeyPart[] | undefined {
  if (coding !== undefined) return undefined
  if (isJson(type)) return labelled('json', canonicalJson, content)
  if (type.essence === 'application/x-www-form-urlencoded') return labelled('form', pairsOf, content)
  if (type.essence.startsWith('multipart/') && type.boundary !== undefined) {
    const parts = partsOf(content, type.boundary)
    return parts && ['multipart', parts.length, ...parts.flatMap((part) => [part.head, part.content])]
  }
  return undefined
}

function labelled(
  label: string,
  canonical: (text: string) => string | undefined,
  content: Uint8Array,
): readonly KeyPart[] | undefined {
  if (!isUtf8(content)) return undefined
  const text = canonical(Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8'))
  return text === undefined ? undefined : [label, text]
}

/** Pairs in order. Octets that are not UTF-8 all decode to U+FFFD, which would make different forms equal. */
function pairsOf(text: string): string | undefined {
  // URLSearchParams drops a leading `?` and passes over broken escapes: other parsers do not.
  if (text.startsWith('?') || /%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  const pairs = JSON.stringify([...new URLSearchParams(text)])
  return pairs.includes('\u{FFFD}') ? undefined : pairs
}
