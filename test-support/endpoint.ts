import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { openPort } from './loopback-port.js'

/** How an endpoint that somebody depends on can fail. */
export type Failing =
  /** Nobody listens at its port. */
  | 'refused'
  /** It takes the request and says nothing. */
  | 'hung'
  /** 200, and bytes that mean nothing. */
  | 'garbage'
  /** It begins to answer and does not go on. */
  | 'slow'
  /** 500. */
  | 'failing'
  /** To an address that would answer well. */
  | 'redirecting'
  /** A document without an end. */
  | 'huge'

/** A server on a loopback port that answers well until it is told to fail. */
export interface Endpoint {
  readonly url: string
  /** How many requests reached it, answered or not. */
  readonly requests: number
  /** What it was sent: heads, and bodies that were read. */
  readonly heads: readonly string[]
  /** Bytes of an endless document that were taken off its hands. */
  readonly written: number
  /** How it behaves from now on; `well` answers as it was made to. */
  become(behaviour: Failing | 'well'): Promise<void>
  /** Resolves when so many requests have reached it. */
  asked(times: number): Promise<void>
  close(): Promise<void>
}

/** Opens an endpoint that answers by `well`. */
export async function openEndpoint(well: RequestListener): Promise<Endpoint> {
  let behaviour: Failing | 'well' = 'well'
  let written = 0
  const heads: string[] = []
  const waiting: { readonly times: number; readonly resolve: () => void }[] = []

  const answer: RequestListener = (request, response) => {
    heads.push(headOf(request))
    for (const { times, resolve } of waiting) if (heads.length >= times) resolve()
    switch (behaviour) {
      case 'hung':
        return
      case 'garbage':
        return void response.end('\u0000<html>\ud83d]}')
      case 'slow':
        return void response.writeHead(200, { 'content-type': 'application/json' }).write('{"keys":[')
      case 'failing':
        return void response.writeHead(500).end('{"keys":[]}')
      case 'redirecting':
        return request.url === '/elsewhere'
          ? well(request, response)
          : void response.writeHead(302, { location: '/elsewhere' }).end()
      case 'huge':
        return pour(response, (bytes) => (written += bytes))
      default:
        return well(request, response)
    }
  }

  const { port, open, close } = await openPort(() => serverOf(answer))
  return {
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return heads.length
    },
    heads,
    get written() {
      return written
    },
    async become(next) {
      behaviour = next
      await (next === 'refused' ? close() : open())
    },
    asked: (times) =>
      new Promise((resolve) => (heads.length >= times ? resolve() : waiting.push({ times, resolve }))),
    close,
  }
}

function serverOf(answer: RequestListener): Server {
  // A connection that is kept would outlive a restart of the server and fail the next request.
  return createServer({ keepAlive: false }, (request, response) => {
    response.shouldKeepAlive = false
    answer(request, response)
  })
}

function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  return `${method} ${url}\n${rawHeaders.join('\n')}`
}

/** Writes for as long as somebody takes it. */
function pour(response: Parameters<RequestListener>[1], count: (bytes: number) => void): void {
  const chunk = Buffer.alloc(65_536, ' ')
  const write = (): void => {
    while (!response.destroyed && response.write(chunk)) count(chunk.byteLength)
  }
  response.on('drain', write)
  write()
}
