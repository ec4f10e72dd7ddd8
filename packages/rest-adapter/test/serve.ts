import { createServer, request, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa, { type Middleware } from 'koa'

/** What came back over the wire. */
export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The content as JSON. */
  readonly json: Record<string, unknown>
}

/** A request as it is written on the wire: the target is sent as it stands. */
export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Uint8Array
  /** Sent as JSON, with the matching type. */
  readonly json?: unknown
}

export type Send = (target: string, sent?: Sent) => Promise<Received>

/** Runs a Koa app on a real socket for the time of a test. Errors that reach Koa are kept in `errors`. */
export async function serving(
  middleware: readonly Middleware[],
  test: (send: Send, errors: Error[]) => Promise<void>,
): Promise<void> {
  const app = new Koa()
  const errors: Error[] = []
  app.on('error', (error: Error) => errors.push(error))
  for (const each of middleware) app.use(each)
  const handle = app.callback()
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    await test((target, sent) => send(port, target, sent), errors)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

function send(
  port: number,
  target: string,
  { method = 'GET', headers = {}, body, json }: Sent = {},
): Promise<Received> {
  const content = json === undefined ? body : JSON.stringify(json)
  const type = json === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, path: target, method, headers: { ...type, ...headers }, agent: false })
    outgoing.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          get json() {
            return JSON.parse(text) as Record<string, unknown>
          },
        })
      })
    })
    outgoing.end(content)
  })
}
