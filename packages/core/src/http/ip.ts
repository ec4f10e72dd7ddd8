import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { checkInteger } from '../options.js'

/**
 * The one spelling of an address: IPv6 as in RFC 5952, IPv4-mapped IPv6 as IPv4, without brackets, port or zone.
 *
 * `net.isIP` decides what an address is: ipaddr.js alone reads `010.1.1.1` as octal and `2130706433` as 127.0.0.1.
 *
 * @returns undefined when `text` is not an address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text
  // What a dual-stack socket says of every IPv4 client.
  if (text.startsWith('::ffff:') && isIP(text.slice(7)) === 4) return text.slice(7)
  const address = bare(text)
  const version = isIP(address)
  if (version === 4) return address
  return version === 6 ? canonicalIPv6(address) : undefined
}

/**
 * The network a client is counted by: an IPv4 address itself, an IPv6 address without its last bits, since one
 * customer holds 2^64 addresses and more.
 *
 * @param prefix how many bits of an IPv6 address count.
 */
export function networkOf(address: string, prefix: number): string {
  if (isIP(address) !== 6) return address
  const { parts } = ipaddr.IPv6.parse(address)
  const network = parts.map((part, index) => {
    const kept = Math.min(16, Math.max(0, prefix - index * 16))
    return part & (0xffff << (16 - kept))
  })
  return `${new ipaddr.IPv6(network).toRFC5952String()}/${prefix}`
}

const PORT = String.raw`(?::(?:\d{1,5}|_[\w.-]+))?`
const BRACKETED = new RegExp(String.raw`^\[([^\]]+)\]${PORT}$`)
const WITH_PORT = new RegExp(`^([0-9.]+)${PORT}$`)

/** Proxies write `192.0.2.1:4711`, `[2001:db8::1]:4711` and `fe80::1%eth0`. */
function bare(text: string): string {
  const address = (BRACKETED.exec(text) ?? WITH_PORT.exec(text))?.[1] ?? text
  const zone = address.indexOf('%')
  return zone === -1 ? address : address.slice(0, zone)
}

function canonicalIPv6(text: string): string {
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}

/** Checks how many bits of an IPv6 address count: a shorter prefix is a provider's, a longer one a customer can change. */
export function checkIpv6Prefix(option: string, value: unknown): number {
  return checkInteger(option, value, 32, 64)
}
