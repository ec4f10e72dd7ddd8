import type { Router } from '@koa/router'
import type { Middleware } from 'koa'
import { chosen, isRoute } from './match.js'
import { handedOn } from './operation.js'
import type { Layer, Route } from './route.js'

/**
 * The router's own dispatcher, with one difference. When several routes match and a handler calls `next()`, the
 * router goes on to the next of them. Behind a gate that would run it under the first one's declaration, so a
 * declared route does not hand on.
 */
export function dispatcher(router: Router, routeOf: (layer: Layer) => Route): Middleware {
  const guarded = Object.create(router, {
    match: {
      value(path: string, method: string) {
        const found = router.match(path, method)
        const first = chosen(router, found.pathAndMethod.filter(isRoute))
        const declared = first !== undefined && routeOf(first).declaration !== undefined
        if (!declared) return found
        const close = (layer: Layer): Layer =>
          layer === first || !isRoute(layer) ? layer : closed(layer, first)
        return { ...found, pathAndMethod: found.pathAndMethod.map(close) }
      },
    },
  }) as Router
  return guarded.routes() as Middleware
}

/** The same layer with a handler that only says why it does not run. */
function closed(layer: Layer, first: Layer): Layer {
  const say: Layer['stack'][number] = (ctx) => {
    throw new Error(handedOn(ctx, String(first.path)))
  }
  return Object.create(layer, { stack: { value: [say] } }) as Layer
}
