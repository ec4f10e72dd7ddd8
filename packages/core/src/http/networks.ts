import { BlockList, isIP } from 'node:net'
import { checkText } from '../options.js'

/**
 * Makes a test for addresses in canonical form: whether one of the networks holds them.
 *
 * @param option the option's full name, for the error.
 * @throws TypeError when one is no network, or the network of all addresses.
 */
export function networkTest(option: string, networks: unknown): (address: string) => boolean {
  if (!Array.isArray(networks) || networks.length === 0) {
    throw new TypeError(`${option} must be a non-empty array`)
  }
  const held = new BlockList()
  networks.forEach((network: unknown, index) => {
    addNetwork(held, `${option}[${index}]`, checkText(`${option}[${index}]`, network))
  })
  return (address) => {
    const version = isIP(address)
    return version !== 0 && held.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}

function addNetwork(held: BlockList, option: string, text: string): void {
  const [, address = '', length] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const prefix = length === undefined ? bits : Number(length)
  if (version === 0 || prefix > bits) {
    throw new TypeError(`${option} must be an address or a network such as '10.0.0.0/8'; got ${text}`)
  }
  // What holds every address says nothing about any: a trusted proxy of this kind lets clients name themselves.
  if (prefix === 0) throw new TypeError(`${option} holds every address; name the networks`)
  held.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
}
