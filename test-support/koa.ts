import Koa, { type Middleware } from 'koa'
import { type Running, serve } from './http.js'

const running: Running[] = []

/** Serves an application of these middlewares on a free loopback port. */
export async function startApp(...middleware: Middleware[]): Promise<Running> {
  const app = new Koa()
  app.silent = true
  for (const each of middleware) app.use(each)
  const handle = app.callback()
  const started = await serve((request, response) => void handle(request, response))
  running.push(started)
  return started
}

/** Closes every application a test started. */
export async function closeApps(): Promise<void> {
  await Promise.all(running.splice(0).map((each) => each.close()))
}
