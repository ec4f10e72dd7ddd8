/** What a request target (RFC 9112 3.2) may hold: visible ASCII. A fragment is never sent. */
const TARGET = /^[\x21\x22\x24-\x7e]+$/

/** A percent sign without two digits, or an encoded NUL: no path has a use for either. */
const BAD_PATH = /%(?![0-9A-Fa-f]{2})|%00/

/**
 * Whether a target is a path (`/items?x=1`), a URL (`http://host/items`) or `*` for OPTIONS. Koa's `ctx.path` throws
 * on some that are none of these, and an error page for a typo is a 500 that anybody can cause.
 */
export function isTarget(method: string | undefined, target: string | undefined): boolean {
  if (target === undefined || !TARGET.test(target)) return false
  if (target === '*') return method === 'OPTIONS'
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  if (path.includes('%') && BAD_PATH.test(path)) return false
  return path.startsWith('/') || isHttpUrl(target)
}

function isHttpUrl(target: string): boolean {
  return /^https?:\/\//i.test(target) && URL.canParse(target)
}
