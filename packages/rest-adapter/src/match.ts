import type { Context } from 'koa'
import type { Router } from '@koa/router'
import type { Layer } from './route.js'

/** What a router makes of a request: the route it will run, or the methods this address offers. */
export type Match =
  | { readonly kind: 'route'; readonly layer: Layer; readonly path: string }
  | { readonly kind: 'other-method'; readonly allowed: readonly string[] }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'malformed' }

/**
 * Asks the router's own matcher: a second one would differ from it some day, and a guard that looks at another
 * route than the one that runs is open.
 */
export function matchRequest(router: Router, ctx: Context): Match {
  const path = pathOf(router, ctx)
  if (path === undefined) return { kind: 'malformed' }
  const found = router.match(path, ctx.method)
  const layer = chosen(router, found.pathAndMethod.filter(isRoute))
  if (layer !== undefined) return { kind: 'route', layer, path }
  const routes = found.path.filter(isRoute)
  if (routes.length === 0) return { kind: 'unknown' }
  return { kind: 'other-method', allowed: allowedBy(routes) }
}

/** The path the router matches, as its dispatcher finds it. Undefined when it can't be a path. */
function pathOf(router: Router, ctx: Context): string | undefined {
  try {
    const path = router.opts.routerPath || ctx['newRouterPath'] || ctx.path || ctx['routerPath'] || ''
    if (path.includes('%')) decodeURIComponent(path)
    return path
  } catch {
    return undefined // an absolute target that is no URL; a percent-encoding that is not UTF-8
  }
}

/** Layers without methods are middleware; they run beside a route and answer nothing by themselves. */
export function isRoute(layer: Layer): boolean {
  return layer.methods.length > 0
}

/** The first matching route runs first; of an exclusive router the last one runs alone, or the most specific. */
export function chosen(router: Router, routes: readonly Layer[]): Layer | undefined {
  if (!router.exclusive) return routes[0]
  if (router.opts.exclusive !== 'specificity') return routes.at(-1)
  return routes.reduce<Layer | undefined>(
    (best, layer) => (best && best.paramNames.length <= layer.paramNames.length ? best : layer),
    undefined,
  )
}

function allowedBy(routes: readonly Layer[]): string[] {
  return [...new Set([...routes.flatMap(({ methods }) => methods), 'OPTIONS'])].toSorted()
}
