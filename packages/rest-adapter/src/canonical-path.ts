import type { Operation } from '@headgate/core'
import type { Router } from '@koa/router'
import { chosen, isRoute } from './match.js'
import type { Layer, Route } from './route.js'

/**
 * Finds the spellings of paths for one request.
 *
 * @param sent the path as the client sent it.
 * @param found what the router found, under what a mount left of that path.
 * @returns undefined where somebody rewrote the path: what it then leads to is not said by its spelling.
 */
export type CanonicalPaths = (
  sent: string,
  found: { readonly method: string; readonly path: string; readonly layer: Layer },
) => Operation['canonicalPath']

/**
 * Finds the one spelling of paths that a router takes for the same: `/items/1` of `/ITEMS/1/` and `/items/%31`.
 *
 * The spelling is the route's own, with what its parameters hold. It counts only if the router itself takes both for
 * the same, all that runs and all that is captured; else the path stays as it is. So two paths that the router tells
 * apart never get one spelling, whatever was made of the template here.
 */
export function canonicalPaths(router: Router, routeOf: (layer: Layer) => Route): CanonicalPaths {
  const spell = speller()
  const find = (path: string, method: string): string => {
    const taken = taking(router, routeOf, path, method)
    const spelling = taken && spell(taken.route, path)
    if (taken === undefined || spelling === undefined || spelling === path) return path
    const again = taking(router, routeOf, spelling, method)
    return again !== undefined && isSame(taken, again) ? spelling : path
  }

  return (sent, found) => {
    const prefix = prefixOf(sent, found.path)
    if (prefix === undefined) return undefined
    let last: { readonly path: string; readonly method: string; readonly spelling: string } | undefined
    const spellingOf = (path: string, method: string): string => {
      if (!path.startsWith(prefix)) return path
      const own = path.slice(prefix.length) || '/'
      const isFound = own === found.path && method === found.method
      // Most paths are spelled as their route is: nothing to match again.
      return prefix + (isFound && spell(found.layer, own) === own ? own : find(own, method))
    }
    return (path, method) => {
      if (last?.path !== path || last.method !== method) {
        last = { path, method, spelling: spellingOf(path, method) }
      }
      return last.spelling
    }
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
  if (capture?.includes('%') !== true) return capture
  return capture.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase()
  })
}

/** A template of plain text, `:name` and `*name`; of others there is no one spelling. */
const TEMPLATE = /^(?:[^:*{}()[\]+?!\\"]|[:*][\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)*$/u
const PARAMETER = /[:*][\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/u

/** Writes a path as a route would: its own text with what its parameters hold. Undefined where there is no one way. */
function speller(): (route: Layer, path: string) => string | undefined {
  const known = new WeakMap<Layer, readonly string[] | 'various'>()
  return (route, path) => {
    let texts = known.get(route)
    if (texts === undefined) known.set(route, (texts = textsOf(route.path)))
    if (texts === 'various') return undefined
    const captures = route.captures(path)
    let spelling = texts[0] ?? ''
    for (let index = 1; index < texts.length; index += 1) {
      spelling += `${normalised(captures[index - 1]) ?? ''}${texts[index]}`
    }
    return spelling
  }
}

/** The text around the parameters of a template. */
function textsOf(template: unknown): readonly string[] | 'various' {
  return typeof template === 'string' && TEMPLATE.test(template) ? template.split(PARAMETER) : 'various'
}

function isSame(one: Taking, other: Taking): boolean {
  return (
    one.runs.length === other.runs.length &&
    one.runs.every((layer, index) => layer === other.runs[index]) &&
    JSON.stringify(one.captures) === JSON.stringify(other.captures)
  )
}
