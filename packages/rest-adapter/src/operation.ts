import type { ParsedUrlQuery } from 'node:querystring'
import { exchangeOf } from '@headgate/core'
import type { Context, DefaultState, Middleware } from 'koa'
import { checkOperation } from './check-operation.js'
import type { Contracted, OperationDeclaration } from './declaration.js'
import { callOf, handOver } from './call.js'

const DECLARATION = Symbol.for('headgate.rest.declaration')

type Declared = { [DECLARATION]?: OperationDeclaration }

/**
 * Declares the route it stands in: `router.post('/items', operation({ ... }), createItem)`. The gate reads the
 * declaration before anything runs; here the validated values are handed to the handlers that follow.
 *
 * @throws TypeError that names the option that can't be right.
 */
export function operation<Body = unknown, Params = Record<string, string>, Query = ParsedUrlQuery>(
  declaration: OperationDeclaration<Body, Params, Query>,
): Middleware<DefaultState, Contracted<Body, Params, Query>> {
  checkOperation(declaration)
  // Only its own contract fills the context that `tags` and `invalidates` are called with.
  const declared = { ...declaration } as unknown as OperationDeclaration

  const declaredOperation: Middleware = (ctx, next) => {
    const call = callOf(exchangeOf(ctx)?.operation)
    if (call === undefined) throw new Error(ungated(ctx))
    if (call.declaration !== declared) throw new Error(handedOn(ctx, call.name))
    handOver(ctx, call)
    return next()
  }
  return Object.assign(declaredOperation, { [DECLARATION]: declared } satisfies Declared) as Middleware<
    DefaultState,
    Contracted<Body, Params, Query>
  >
}

/** What a middleware of a route declares, if it was made by {@link operation}. */
export function declarationOf(middleware: unknown): OperationDeclaration | undefined {
  return (middleware as Declared)[DECLARATION]
}

/** A route whose declaration nobody read must not run: what it demands was not asked for. */
function ungated({ method, path }: Context): string {
  return (
    `operation: ${method} ${path} came to its route without a gate; use restGateway(router, ...) in place of ` +
    'router.routes(), or gate(policies, { channels: [rest(router)] })'
  )
}

/** A route must not run under the declaration of another. */
export function handedOn({ method, path }: Pick<Context, 'method' | 'path'>, described: string): string {
  return (
    `operation: ${method} ${path} was let through as '${described}', which handed it on to another route; ` +
    'put middleware for several routes into router.use()'
  )
}
