import type { Readiness } from '@headgate/core'
import type { Context, Middleware } from 'koa'

/**
 * Answers `GET /healthz` (the process lives) and `GET /readyz` (it wants requests). Stands before the gate: a probe
 * has no credential and no budget.
 */
export function health(readiness: Readiness): Middleware {
  return async function probe(ctx, next) {
    const asked = ctx.method === 'GET' || ctx.method === 'HEAD' ? ctx.path : undefined
    if (asked === '/healthz') answer(ctx, true)
    else if (asked === '/readyz') answer(ctx, readiness.ready)
    else await next()
  }
}

function answer(ctx: Context, well: boolean): void {
  ctx.status = well ? 200 : 503
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { status: well ? 'ok' : 'stopping' }
}
