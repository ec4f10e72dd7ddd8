import { type Policy } from '@headgate/core'
import Koa, { type Middleware } from 'koa'
import { type Running, serve } from '../../../test-support/http.js'

const servers: Running[] = []

/** Serves middleware on a free port. `errors` gets what Koa is told of. */
export async function start(...middleware: Middleware[]): Promise<Running & { readonly errors: unknown[] }> {
  const app = new Koa()
  const errors: unknown[] = []
  app.on('error', (error: unknown) => errors.push(error))
  for (const each of middleware) app.use(each)
  const handle = app.callback()
  const running = await serve((request, response) => void handle(request, response))
  servers.push(running)
  return { ...running, errors }
}

/** Stops every server that `start` made. */
export async function stopAll(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.close()))
}

/** What koa-mount does to a context. */
export function mounted(prefix: string, middleware: Middleware): Middleware {
  return async (ctx, next) => {
    const path = ctx.path
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return next()
    Object.assign(ctx, { mountPath: prefix })
    ctx.path = path.slice(prefix.length) || '/'
    await middleware(ctx, async () => {
      ctx.path = path
      await next()
    })
    ctx.path = path
    return undefined
  }
}

/** What a body parser leaves behind: the stream is read, the text and its value are on the request. */
export function bodyParser(form: 'text and value' | 'value'): Middleware {
  return async (ctx, next) => {
    const chunks: Buffer[] = []
    for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    if (form === 'text and value') Object.assign(ctx.request, { rawBody: text })
    try {
      Object.assign(ctx.request, { body: text === '' ? {} : (JSON.parse(text) as unknown) })
    } catch {
      ctx.status = 400
      return
    }
    await next()
  }
}

/** A policy that lets everything pass. */
export function passing(stage: NonNullable<Policy['stage']>, seen: string[] = []): Policy {
  return {
    name: stage,
    stage,
    handle(exchange, next) {
      seen.push(exchange.operation.name)
      return next()
    },
  }
}

/** Posts a GraphQL request. */
export function post(
  url: string,
  request: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof request === 'string' ? request : JSON.stringify(request),
  })
}
