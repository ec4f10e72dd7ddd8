import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { addressResolver, type TrustedProxies } from '../../src/http/address.js'

const PROXY = '10.0.0.1'
const CLIENT = '203.0.113.7'
const NETWORKS: TrustedProxies = { networks: ['10.0.0.0/8', 'fd00::/8'] }

function clientOf(proxies: TrustedProxies | undefined, peer: string | undefined, ...lines: string[]): string {
  const field = proxies?.field ?? 'x-forwarded-for'
  return addressResolver(proxies)(peer, (name) => (name === field ? lines : [])).address
}

const ipv4 = fc.ipV4()
const ipv6 = fc.ipV6()
const proxyAddress = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => `10.${parts.join('.')}`)
/** What a client may write: addresses, junk, and everything a parser could stumble over. */
const junk = fc.string({ unit: fc.constantFrom(...'"\\,;=[]:%. for192unknown_'.split('')), maxLength: 60 })
const written = fc.array(fc.oneof(ipv4, ipv6, proxyAddress, junk), { maxLength: 40 })

describe('without trusted proxies', () => {
  test('the socket names the client and no field is believed', () => {
    fc.assert(
      fc.property(written, (entries) => {
        expect(clientOf(undefined, CLIENT, entries.join(','))).toBe(CLIENT)
      }),
    )
  })

  test('a socket without an address gives one address that is none', () => {
    expect(clientOf(undefined, undefined)).toBe('unknown')
  })
})

describe('by networks', () => {
  test('an untrusted peer is the client, whatever it writes', () => {
    fc.assert(
      fc.property(written, (entries) => {
        const origin = addressResolver(NETWORKS)(CLIENT, () => [entries.join(', ')])
        expect(origin).toEqual({ address: CLIENT, trusted: false })
      }),
    )
  })

  test('the first address from the right that is no proxy is the client', () => {
    expect(clientOf(NETWORKS, PROXY, `198.51.100.1, ${CLIENT}, 10.2.3.4`)).toBe(CLIENT)
    expect(clientOf(NETWORKS, '::ffff:10.0.0.1', `${CLIENT}, fd00::17`)).toBe(CLIENT)
  })

  test('without the field, or with proxies only, the farthest proxy is the client', () => {
    expect(clientOf(NETWORKS, PROXY)).toBe(PROXY)
    expect(clientOf(NETWORKS, PROXY, '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3')
  })

  test('several lines are one list in the order of arrival', () => {
    expect(clientOf(NETWORKS, PROXY, '198.51.100.1', CLIENT, '10.0.0.2')).toBe(CLIENT)
  })

  test('an entry that is no address ends the walk at the proxy that passed it on', () => {
    for (const entry of ['unknown', '', '127.1', '010.1.1.1', '2130706433', '1.2.3.4.5', 'localhost', '_x']) {
      expect(clientOf(NETWORKS, PROXY, `${CLIENT}, ${entry}, 10.0.0.2`)).toBe('10.0.0.2')
    }
  })
})

describe('by hops', () => {
  test('each proxy adds one entry', () => {
    const line = `198.51.100.1, ${CLIENT}, 192.0.2.9`
    expect(clientOf({ hops: 1 }, PROXY, line)).toBe('192.0.2.9')
    expect(clientOf({ hops: 2 }, PROXY, line)).toBe(CLIENT)
  })

  test('a shorter list ends at its first entry', () => {
    expect(clientOf({ hops: 3 }, PROXY, CLIENT)).toBe(CLIENT)
    expect(clientOf({ hops: 3 }, PROXY)).toBe(PROXY)
  })

  test('a proxy on a local socket has no address of its own', () => {
    expect(clientOf({ hops: 1 }, undefined, `198.51.100.1, ${CLIENT}`)).toBe(CLIENT)
  })
})

describe.each(['x-forwarded-for', 'forwarded'] as const)('in %s', (field) => {
  const entry = (address: string): string => {
    if (field === 'x-forwarded-for') return address
    return address.includes(':') ? `for="[${address}]"` : `for=${address}`
  }

  test('what the client wrote never changes the result', () => {
    const proxies = fc.array(proxyAddress, { maxLength: 5 })
    const settings = fc.constantFrom<'hops' | 'networks'>('hops', 'networks')
    fc.assert(
      fc.property(settings, written, fc.boolean(), ipv4, proxies, (setting, left, own, seen, chain) => {
        // Outside every trusted network.
        const client = seen.startsWith('10.') ? CLIENT : seen
        const trusted: TrustedProxies =
          setting === 'hops' ? { hops: chain.length + 1, field } : { ...NETWORKS, field }
        const right = [client, ...chain].map(entry).join(', ')
        const lines = own ? [left.join(','), right] : [`${left.join(',')}, ${right}`]
        expect(clientOf(trusted, PROXY, ...lines)).toBe(client)
      }),
    )
  })

  test('no input throws, and the result is an address', () => {
    const bytes = fc.string({ unit: 'binary', maxLength: 200 })
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, junk, written.map(String))), (lines) => {
        expect(clientOf({ hops: 30, field }, PROXY, ...lines)).toMatch(/^[0-9a-f.:]+$/)
      }),
    )
  })

  test('no more than 30 entries and 4096 characters are read', () => {
    const chain = Array.from({ length: 40 }, (_, index) => entry(`10.1.1.${index}`))
    expect(clientOf({ ...NETWORKS, field }, PROXY, chain.join(','))).toBe('10.1.1.10')
    const padded = `${entry(CLIENT)},${' '.repeat(4_096)}${entry('10.0.0.2')}`
    expect(clientOf({ ...NETWORKS, field }, PROXY, padded)).toBe(PROXY)
  })

  test('an address that is cut by the cap is not taken for another one', () => {
    const right = `,${' '.repeat(4_000)}${entry('10.0.0.2')}`
    for (let cut = 0; cut < 100; cut += 1) {
      const line = `${entry('10.77.88.99')}${' '.repeat(cut)}${right}`
      expect(['10.0.0.2', '10.77.88.99']).toContain(clientOf({ ...NETWORKS, field }, PROXY, line))
    }
  })
})

describe('Forwarded (RFC 7239)', () => {
  const forwarded: TrustedProxies = { hops: 1, field: 'forwarded' }

  test('for is read in every spelling, among other parameters', () => {
    const elements = [
      `for=${CLIENT}`,
      `For="${CLIENT}:4711"`,
      `proto=https; for=${CLIENT} ;by=_x`,
      `for=${CLIENT}:80;host=x`,
      String.raw`for="203.0.113\.7"`,
      'for="[::ffff:203.0.113.7]:_port"',
    ]
    for (const element of elements) expect(clientOf(forwarded, PROXY, element)).toBe(CLIENT)
  })

  test('an element with no for, two, or broken syntax names nobody', () => {
    for (const element of [
      'proto=https',
      `for=${CLIENT};for=1.2.3.4`,
      `for=${CLIENT} x`,
      'for',
      'for=_hidden',
    ]) {
      expect(clientOf(forwarded, PROXY, element)).toBe(PROXY)
    }
  })

  test('a comma or an escaped quote in a host the client chose separates nothing', () => {
    const element = String.raw`for=${CLIENT};host="a, for=1.2.3.4;x=\"" `
    expect(clientOf(forwarded, PROXY, element)).toBe(CLIENT)
    expect(clientOf(forwarded, PROXY, `for="1.2.3.4, for=${CLIENT}`)).toBe(CLIENT)
  })

  test('the other field is never read', () => {
    const resolve = addressResolver(forwarded)
    expect(resolve(PROXY, (name) => (name === 'forwarded' ? [] : [CLIENT])).address).toBe(PROXY)
  })
})

describe('settings that can not be right', () => {
  test.each<[string, unknown, RegExp]>([
    ['neither', {}, /exactly one of hops and networks/],
    ['both', { hops: 1, networks: ['10.0.0.0/8'] }, /exactly one of hops and networks/],
    ['no hop', { hops: 0 }, /trustedProxies\.hops/],
    ['half a hop', { hops: 1.5 }, /trustedProxies\.hops/],
    ['too many hops', { hops: 31 }, /trustedProxies\.hops/],
    ['no network', { networks: [] }, /trustedProxies\.networks/],
    ['a string of networks', { networks: '10.0.0.0/8' }, /trustedProxies\.networks/],
    ['a name', { networks: ['proxy.local'] }, /trustedProxies\.networks\[0\]/],
    ['a prefix too long', { networks: ['10.0.0.0/8', '10.0.0.0/33'] }, /trustedProxies\.networks\[1\]/],
    ['everybody', { networks: ['::/0'] }, /holds every address/],
    ['another field', { hops: 1, field: 'x-real-ip' }, /trustedProxies\.field/],
    ['a typo', { hop: 1 }, /unknown option 'hop'/],
  ])('%s', (_name, proxies, message) => {
    expect(() => addressResolver(proxies as TrustedProxies)).toThrow(TypeError)
    expect(() => addressResolver(proxies as TrustedProxies)).toThrow(message)
  })

  test('a single address is a network of one', () => {
    expect(clientOf({ networks: [PROXY] }, PROXY, CLIENT)).toBe(CLIENT)
    expect(clientOf({ networks: ['2001:db8::1'] }, '2001:db8::2', CLIENT)).toBe('2001:db8::2')
  })
})
