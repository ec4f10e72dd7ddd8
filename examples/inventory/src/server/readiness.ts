import type { Context, Middleware } from 'koa'

/** Whether new requests should be sent to this process. */
export interface Readiness {
  readonly ready: boolean
  /** The process is about to stop: a load balancer should look elsewhere. */
  close(): void
}

/** Ready until closed. */
export function createReadiness(): Readiness {
  let ready = true
  return {
    get ready() {
      return ready
    },
    close() {
      ready = false
    },
  }
}

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
