import type { Operation } from '@headgate/core'
import type { Context } from 'koa'
import type { OperationDeclaration } from './declaration.js'

const CALL = Symbol.for('headgate.rest.call')

/** One request to a declared or undeclared route: what it brought, and what became of it. */
export interface Call {
  readonly name: string
  readonly declaration: OperationDeclaration | undefined
  params: unknown
  query: unknown
  body: unknown
  /** What the handler set as `ctx.body`; undefined before it ran to its end. */
  result: unknown
}

/** Notes on an operation which call it describes. */
export function withCall(operation: Operation, call: Call): Operation {
  return Object.assign(operation, { [CALL]: call })
}

/** The call that an operation describes; undefined when another channel made it. */
export function callOf(operation: Operation | undefined): Call | undefined {
  return (operation as { [CALL]?: Call } | undefined)?.[CALL]
}

/**
 * Puts the values that met the contract where Koa's handlers look for them. The router sets the parameters, and a
 * body parser in `router.use()` the body, after the gate checked both: so it is done last, in the route itself.
 */
export function handOver(ctx: Context, { declaration, params, query, body }: Call): void {
  const request = ctx.request as typeof ctx.request & { params?: unknown; body?: unknown }
  if (declaration?.params !== undefined) {
    ctx['params'] = params
    request.params = params
  }
  // Koa's own setter would turn numbers back into text; ctx.query reads ctx.request.query.
  if (declaration?.query !== undefined)
    Object.defineProperty(request, 'query', { value: query, writable: true, configurable: true })
  if (declaration?.body !== undefined) request.body = body
}
