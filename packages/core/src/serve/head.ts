import type { IncomingMessage } from 'node:http'
import { isTarget } from '../http/target.js'
import { type Refusal, refuse } from '../refusal.js'

/** No browser or proxy sends a quarter of it. Node drops lines beyond 1,000 without a word. */
const MOST_HEADER_LINES = 200

/** Node keeps the first line of each and drops the rest: a proxy in front may have looked at the last one. */
const SINGLE: ReadonlySet<string> = new Set(['host', 'authorization'])

/** Looks at a request's head before anything else does. */
export function checkHead({ method, url, rawHeaders }: IncomingMessage): Refusal | undefined {
  if (rawHeaders.length > 2 * MOST_HEADER_LINES) return refuse('head-too-large')
  if (hasDoubleLine(rawHeaders)) {
    return refuse('request-malformed', { detail: 'A field that must stand once stands twice.' })
  }
  return isTarget(method, url) ? undefined : refuse('request-malformed')
}

function hasDoubleLine(raw: readonly string[]): boolean {
  let seen = ''
  for (let index = 0; index < raw.length; index += 2) {
    const line = raw[index] ?? ''
    // Most names are told apart by their length.
    if (line.length !== 4 && line.length !== 13) continue
    const name = line.toLowerCase()
    if (!SINGLE.has(name)) continue
    if (seen.includes(name)) return true
    seen += name
  }
  return false
}
