import type { Incoming } from '../../exchange.js'
import { originOf } from '../dpop/target.js'

/** The origin that a request's signature must be for. */
export type Audience = (incoming: Pick<Incoming, 'origin'>) => string

/**
 * Reads the option `origin`. Of several origins the request's own counts if it is one of them, else the first.
 *
 * @throws TypeError for what is no origin.
 */
export function audienceOf(origin: string | readonly string[]): Audience {
  if (origin === 'request') return (incoming) => incoming.origin
  const list: readonly unknown[] = typeof origin === 'string' ? [origin] : Array.isArray(origin) ? origin : []
  const [first, ...others] = list.map((text) => checkOrigin(text))
  if (first === undefined) throw new TypeError(WRONG)
  if (others.length === 0) return () => first
  const known = [first, ...others]
  return (incoming) => {
    const own = originOf(incoming.origin)
    return own !== undefined && known.includes(own) ? own : first
  }
}

function checkOrigin(text: unknown): string {
  const origin = typeof text === 'string' ? originOf(text) : undefined
  if (origin === undefined) throw new TypeError(WRONG)
  return origin
}

const WRONG =
  "httpSignature: origin must be origins such as 'https://api.example', without a path; or 'request'"
