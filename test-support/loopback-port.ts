import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A loopback port that a server leaves, with all its connections, and comes back to. */
export interface LoopbackPort {
  readonly port: number
  /** Listens again at the same port, if it does not. */
  readonly open: () => Promise<void>
  /** Ends every connection. */
  readonly cut: () => void
  /** Nobody listens any more, and no connection is left. */
  readonly close: () => Promise<void>
}

/** Opens a free port. `makeServer` makes a server, to begin with and each time the port is opened again. */
export async function openPort(makeServer: () => Server): Promise<LoopbackPort> {
  const sockets = new Set<Socket>()
  let server = await listen(makeServer(), sockets, 0)
  const { port } = server.address() as AddressInfo
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    async open() {
      if (!server.listening) server = await listen(makeServer(), sockets, port)
    },
    cut,
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}

async function listen(server: Server, sockets: Set<Socket>, port: number): Promise<Server> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
