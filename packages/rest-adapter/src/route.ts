import type { DeclaredOperation } from '@headgate/core'
import type { Router } from '@koa/router'
import type { OperationDeclaration } from './declaration.js'
import { declarationOf } from './operation.js'

/** One entry of a router's stack: a route, or, without methods, a middleware of `router.use()`. */
export type Layer = Router['stack'][number]

/** A route as the gate sees it. */
export interface Route {
  /** Method and template. HEAD is named as the GET it asks about, so that both share one budget. */
  nameFor(method: string): string
  readonly declaration: OperationDeclaration | undefined
}

/** What a route declares, named as people name routes. */
export function declaredBy(layer: Layer, { declaration = {} }: Route): DeclaredOperation {
  const name = `${layer.methods.filter((method) => method !== 'HEAD').join('|')} ${String(layer.path)}`
  return { name, declaration }
}

/** Reads routes from a router's layers, each once. */
export function routeReader(): (layer: Layer) => Route {
  const known = new WeakMap<Layer, Route>()
  return (layer) => {
    let route = known.get(layer)
    if (route === undefined) known.set(layer, (route = readRoute(layer)))
    return route
  }
}

/** @throws TypeError when the route can't be guarded as it stands. */
function readRoute(layer: Layer): Route {
  const declarations = layer.stack.map(declarationOf).filter((found) => found !== undefined)
  const [declaration] = declarations
  const label = `${layer.methods.join('|') || 'use'} ${String(layer.path)}`
  if (declarations.length > 1) throw new TypeError(`rest: ${label} has more than one operation()`)
  // Such an expression remembers where it stopped: the gate and the router would see different routes.
  if (layer.regexp.global || layer.regexp.sticky) {
    throw new TypeError(`rest: the expression of ${label} must not have the flag g or y`)
  }
  if (declaration !== undefined) checkFit(label, layer, declaration)
  return { declaration, nameFor: namesOf(layer, declaration) }
}

function checkFit(label: string, layer: Layer, declaration: OperationDeclaration): void {
  const { methods, stack } = layer
  if (methods.length === 0)
    throw new TypeError('rest: operation() stands in router.use(); it belongs to a route')
  if (declarationOf(stack.at(-1)) !== undefined) {
    throw new TypeError(`rest: operation() of ${label} must stand before the handler`)
  }
  const reads = methods.every((method) => method === 'GET' || method === 'HEAD')
  if (reads && declaration.body !== undefined) {
    throw new TypeError(`rest: ${label} declares a body; content of GET has no meaning (RFC 9110 9.3.1)`)
  }
  if (reads && declaration.effect !== 'write' && declaration.idempotency === 'required') {
    throw new TypeError(`rest: ${label} demands an Idempotency-Key, which has no effect on a read`)
  }
}

function namesOf(layer: Layer, declaration: OperationDeclaration | undefined): Route['nameFor'] {
  const { name } = declaration ?? {}
  if (name !== undefined) return () => name
  const template = String(layer.path)
  const names = new Map(layer.methods.map((method) => [method, `${method} ${template}`]))
  const get = names.get('GET')
  if (get !== undefined) names.set('HEAD', get)
  return (method) => names.get(method) ?? `${method} ${template}`
}
