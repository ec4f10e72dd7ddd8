import { keyOf } from '../key.js'
import type { Incoming } from '../exchange.js'

/** A digest of what makes two requests to one path the same: query, media type and content. */
export function requestFingerprint(incoming: Incoming, content: Uint8Array): string {
  return keyOf('request', incoming.query, incoming.header('content-type'), content)
}
