import type { Incoming } from '../../exchange.js'

/** Whether the `htu` of a proof names the request's target (RFC 9449 4.3, check 9). */
export type IsTarget = (htu: string, incoming: Pick<Incoming, 'origin' | 'path'>) => boolean

/**
 * Prepares the comparison: scheme, host and path, without query and fragment, both sides normalised as far as the syntax
 * allows without knowing the resource (RFC 3986 6.2.2 and 6.2.3).
 *
 * @param origins the origins that clients call, by {@link originOf}; undefined: the request's own.
 */
export function targetCheck(origins: readonly string[] | undefined): IsTarget {
  return (htu, { origin, path }) => {
    const known = origins ?? [originOf(origin)]
    if (known.some((one) => one !== undefined && htu === one + path)) return true
    const target = parseTarget(htu)
    return target !== undefined && target.path === normalPath(path) && known.includes(target.origin)
  }
}

/** An origin as the URL parser writes it: lower case, without the default port. Undefined for what is none. */
export function originOf(text: string): string | undefined {
  return ORIGIN.test(text) && URL.canParse(text) ? new URL(text).origin : undefined
}

/** Without userinfo; a backslash is a slash to the URL parser. */
const ORIGIN = /^https?:\/\/[^/?#@\\\s]+$/i

function parseTarget(htu: string): { readonly origin: string; readonly path: string } | undefined {
  const [, base, path] = TARGET.exec(htu) ?? []
  const origin = base === undefined ? undefined : originOf(base)
  return origin === undefined ? undefined : { origin, path: normalPath(path ?? '') }
}

/** Authority, path, and what is ignored; of visible ASCII alone: whoever writes anything else writes no URI. */
const TARGET =
  /^(https?:\/\/[\x21\x22\x24-\x2e\x30-\x3e\x40-\x7e]+)(\/[\x21\x22\x24-\x3e\x40-\x7e]*)?(?:[?#][\x21-\x7e]*)?$/i

function normalPath(path: string): string {
  if (path === '') return '/'
  if (!path.includes('%') && !path.includes('/.')) return path
  const decoded = path.replace(/%[0-9a-f]{2}/gi, (code) => {
    const character = String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return UNRESERVED.test(character) ? character : code.toUpperCase()
  })
  return withoutDots(decoded)
}

const UNRESERVED = /^[A-Za-z0-9\-._~]$/

/** RFC 3986 5.2.4. */
function withoutDots(path: string): string {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
    if (isLast && (segment === '.' || segment === '..')) kept.push('')
  }
  return `/${kept.join('/')}`
}
