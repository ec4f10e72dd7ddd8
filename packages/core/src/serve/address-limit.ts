import type { Server } from 'node:http'
import { canonicalAddress, networkOf } from '../http/ip.js'

/** How many bits of an IPv6 address count: what one customer usually has. */
const IPV6_PREFIX = 56

/**
 * Closes connections of an address that has the most already. Counted are those that are open, so what is remembered
 * is bounded by them. A connection without an address, as over a Unix socket, is nobody's.
 */
export function limitPerAddress(server: Server, most: number, isProxy: (address: string) => boolean): void {
  if (most === Number.POSITIVE_INFINITY) return
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const address = canonicalAddress(socket.remoteAddress ?? '')
    if (address === undefined || isProxy(address)) return
    const network = networkOf(address, IPV6_PREFIX)
    const count = open.get(network) ?? 0
    if (count >= most) {
      socket.destroy()
      return
    }
    open.set(network, count + 1)
    socket.once('close', () => {
      const left = (open.get(network) ?? 0) - 1
      if (left > 0) open.set(network, left)
      else open.delete(network)
    })
  })
}
