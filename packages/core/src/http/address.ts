import { isIP } from 'node:net'

/** Which proxies in front of the service may name the client. Exactly one of `hops` and `networks`. */
export interface TrustedProxies {
  /** How many proxies stand in front; each adds one entry. */
  readonly hops?: number
  /** The addresses of the proxies, in CIDR form: `['10.0.0.0/8', 'fd00::/8']`. */
  readonly networks?: readonly string[]
  /** The one field they write. Default `x-forwarded-for`. */
  readonly field?: 'x-forwarded-for' | 'forwarded'
}

/** Where a request comes from. */
export interface Origin {
  /** The client's address, canonical. */
  readonly address: string
  /** The socket's peer is a trusted proxy: its forwarding fields count. */
  readonly trusted: boolean
}

/** Finds the client's address. */
export type AddressResolver = (peer: string | undefined, lines: (name: string) => readonly string[]) => Origin

/** Makes the resolver for a setting. Without one the socket's peer is the client and no field is believed. */
export function addressResolver(_proxies?: TrustedProxies): AddressResolver {
  return (peer) => ({ address: canonical(peer), trusted: false })
}

function canonical(peer: string | undefined): string {
  if (peer === undefined || isIP(peer) === 0) return 'unknown'
  return peer.startsWith('::ffff:') && isIP(peer.slice(7)) === 4 ? peer.slice(7) : peer
}
