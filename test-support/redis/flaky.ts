import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

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
  const sockets = new Set<Socket>()

  const pass = (client: Socket): void => {
    const server = connect(target, '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
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

  let listening = await listen(pass, 0)
  const { port } = listening.address() as AddressInfo
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const stop = async (): Promise<void> => {
    if (!listening.listening) return
    const closed = once(listening, 'close')
    listening.close()
    cut()
    await closed
  }
  return {
    port,
    get taken() {
      return taken
    },
    async become(next) {
      way = next
      if (next === 'refused') return stop()
      // What was swallowed or garbled on the way is not repaired: those connections are gone.
      if (next === 'well') cut()
      if (!listening.listening) listening = await listen(pass, port)
    },
    close: stop,
  }
}

async function listen(pass: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer(pass).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
