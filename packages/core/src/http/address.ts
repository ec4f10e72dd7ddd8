import { checkChoice, checkInteger, checkKnown } from '../options.js'
import { entriesFromRight, type ForwardingField } from './forwarded.js'
import { canonicalAddress } from './ip.js'
import { networkTest } from './networks.js'

/** Which proxies in front of the service may name the client. Exactly one of `hops` and `networks`. */
export interface TrustedProxies {
  /** How many proxies stand in front; each adds one entry. 1 to 30. Nothing may reach the service around them. */
  readonly hops?: number
  /** The addresses of the proxies, in CIDR form or single: `['10.0.0.0/8', 'fd00::/8', '192.0.2.1']`. */
  readonly networks?: readonly string[]
  /**
   * The one field they write. With `forwarded` the host and the scheme stand there too, else in `x-forwarded-host` and
   * `x-forwarded-proto`. Default `x-forwarded-for`.
   */
  readonly field?: ForwardingField
}

/** Where a request comes from. */
export interface Origin {
  /** The client's address, canonical; `unknown` where the socket has none. */
  readonly address: string
  /** The socket's peer is a trusted proxy: its forwarding fields count. */
  readonly trusted: boolean
  /** The field in which a trusted peer names who called it. */
  readonly field?: ForwardingField
}

/** Finds the client's address. */
export type AddressResolver = (peer: string | undefined, lines: (name: string) => readonly string[]) => Origin

/**
 * Makes the resolver for a setting. Without one the socket's peer is the client and no field is believed.
 *
 * It goes from the socket outwards, over trusted proxies, to the first address that is none: that is the client.
 * What stands to the left of it was written by the client and is never read. An entry that is no address ends the
 * walk at the proxy that passed it on.
 *
 * @throws TypeError that names the option when the setting can't be right.
 */
export function addressResolver(proxies?: TrustedProxies): AddressResolver {
  if (proxies === undefined) return (peer) => ({ address: addressOf(peer), trusted: false })
  checkKnown('trustedProxies', proxies, ['hops', 'networks', 'field'])
  const isProxy = proxyTest(proxies)
  const field = checkChoice<ForwardingField>('trustedProxies.field', proxies.field ?? 'x-forwarded-for', [
    'x-forwarded-for',
    'forwarded',
  ])

  return (peer, lines) => {
    let address = addressOf(peer)
    if (!isProxy(address, 0)) return { address, trusted: false }
    let distance = 0
    for (const entry of entriesFromRight(field, lines(field))) {
      const next = entry === undefined ? undefined : canonicalAddress(entry)
      if (next === undefined) break
      address = next
      distance += 1
      if (!isProxy(address, distance)) break
    }
    return { address, trusted: true, field }
  }
}

function addressOf(peer: string | undefined): string {
  return (peer === undefined ? undefined : canonicalAddress(peer)) ?? 'unknown'
}

/** Whether the node at this address, so many steps away from the socket's peer, is a trusted proxy. */
type ProxyTest = (address: string, distance: number) => boolean

function proxyTest({ hops, networks }: TrustedProxies): ProxyTest {
  if ((hops === undefined) === (networks === undefined)) {
    throw new TypeError('trustedProxies needs exactly one of hops and networks')
  }
  if (networks !== undefined) return networkTest('trustedProxies.networks', networks)
  const most = checkInteger('trustedProxies.hops', hops, 1, 30)
  return (_address, distance) => distance < most
}
