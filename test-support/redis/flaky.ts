import { connect, createServer, type Socket } from 'node:net'
import { openPort } from '../loopback-port.js'

/** How the way to a Redis can be. */
export type Way = 'well' | 'refused' | 'hung' | 'garbage' | 'slow'

/** A way to a Redis that a test cuts, stops or fills with junk. Clients connect to its port. */
export interface FlakyWay {
  readonly port: number
  /** How often clients sent something. */
  readonly taken: number
  become(way: Way): Promise<void>
  close(): Promise<void>
}

/** Opens a port that leads to the Redis at `target`. */
export async function openWay(target: number): Promise<FlakyWay> {
  let way: Way = 'well'
  let taken = 0

  const pass = (client: Socket): void => {
    const server = connect(target, '127.0.0.1')
    server.on('error', () => undefined).once('close', () => client.destroy())
    client.once('close', () => server.destroy())
    client.on('data', (bytes: Buffer) => {
      taken += 1
      if (way === 'well' || way === 'slow') server.write(bytes)
      if (way === 'garbage') client.write('\u0000$-7\r\n*9\r\n?junk\r\n')
    })
    // Slow: a reply begins, and does not go on.
    server.on('data', (bytes: Buffer) => {
      if (way === 'well') client.write(bytes)
      if (way === 'slow') client.write(bytes.subarray(0, 1))
    })
  }

  const { port, open, cut, close } = await openPort(() => createServer(pass))
  return {
    port,
    get taken() {
      return taken
    },
    async become(next) {
      way = next
      if (next === 'refused') return close()
      // What was swallowed or garbled on the way is not repaired: those connections are gone.
      if (next === 'well') cut()
      await open()
    },
    close,
  }
}
