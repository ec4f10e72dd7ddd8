import type { Operation } from '@headgate/core'
import type { Router } from '@koa/router'
import { chosen, isRoute } from './match.js'
import type { Layer, Route } from './route.js'

/**
 * Finds the one spelling of paths that a router takes for the same: `/items/1` of `/ITEMS/1/` and `/items/%31`.
 *
 * The spelling is the route's own, with what its parameters hold. It counts only if the router itself takes both for
 * the same, all that runs and all that is captured; else the path stays as it is. So two paths that the router tells
 * apart never get one spelling, whatever was made of the template here.
 *
 * @param sent the path as the client sent it.
 * @param found what the router found there, under what a mount left of it.
 * @returns undefined where somebody rewrote the path: what it then leads to is not said by its spelling.
 */
export function canonicalPaths(
  router: Router,
  routeOf: (layer: Layer) => Route,
  sent: string,
  found: { readonly method: string; readonly path: string; readonly layer: Layer },
): Operation['canonicalPath'] {
  const prefix = prefixOf(sent, found.path)
  if (prefix === undefined) return undefined
  const find = (path: string, method: string): string => {
    if (!path.startsWith(prefix)) return path
    const own = path.slice(prefix.length) || '/'
    // Most paths are spelled as their route is: nothing to match again.
    if (own === found.path && method === found.method && spell(found.layer, own) === own) return prefix + own
    const taken = taking(router, routeOf, own, method)
    if (taken === undefined) return path
    const spelling = spell(taken.route, own)
    if (spelling === undefined || spelling === own) return prefix + own
    const again = taking(router, routeOf, spelling, method)
    return prefix + (again !== undefined && isSame(taken, again) ? spelling : own)
  }
  let last: { readonly path: string; readonly method: string; readonly spelling: string } | undefined
  return (path, method) => {
    if (last?.path !== path || last.method !== method) last = { path, method, spelling: find(path, method) }
    return last.spelling
  }
}

/** What a mount cut off. Of `/v1` it leaves `/`, as of `/v1/`. */
function prefixOf(sent: string, local: string): string | undefined {
  if (sent.endsWith(local)) return sent.slice(0, -local.length)
  return local === '/' ? sent : undefined
}

/** What a router does with a path. */
interface Taking {
  readonly route: Layer
  /** Everything that runs, in order, and what each of them captures. */
  readonly runs: readonly Layer[]
  readonly captures: readonly (readonly (string | undefined)[])[]
}

function taking(
  router: Router,
  routeOf: (layer: Layer) => Route,
  path: string,
  method: string,
): Taking | undefined {
  const { pathAndMethod } = router.match(path, method)
  const route = chosen(router, pathAndMethod.filter(isRoute))
  if (route === undefined) return undefined
  // A declared route does not hand on to others that match too.
  const alone = routeOf(route).declaration !== undefined
  const runs = pathAndMethod.filter((layer) => layer === route || !isRoute(layer) || !alone)
  return { route, runs, captures: runs.map((layer) => layer.captures(path).map(normalised)) }
}

/** RFC 3986 6.2.2: encoded characters that need no encoding mean the same; hexadecimal digits are upper case. */
function normalised(capture: string | undefined): string | undefined {
  return capture?.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase()
  })
}

/** A template of plain text, `:name` and `*name`; of others there is no one spelling. */
const TEMPLATE = /^(?:[^:*{}()[\]+?!\\"]|[:*][\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)*$/u
const PARAMETER = /[:*][\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu

function spell(route: Layer, path: string): string | undefined {
  const template = route.path
  if (typeof template !== 'string' || !TEMPLATE.test(template)) return undefined
  const captures = route.captures(path).values()
  return template.replace(PARAMETER, () => normalised(captures.next().value) ?? '')
}

function isSame(one: Taking, other: Taking): boolean {
  return (
    one.runs.length === other.runs.length &&
    one.runs.every((layer, index) => layer === other.runs[index]) &&
    JSON.stringify(one.captures) === JSON.stringify(other.captures)
  )
}
