import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { canonicalAddress, networkOf } from '../../src/http/ip.js'

const bits = (parts: readonly number[]): string =>
  parts.map((part) => part.toString(2).padStart(16, '0')).join('')
const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })

describe('canonicalAddress', () => {
  test('all spellings of an IPv4 address are one', () => {
    const spellings = fc.constantFrom<(address: string) => string>(
      (address) => address,
      (address) => `${address}:4711`,
      (address) => `::ffff:${address}`,
      (address) => `::FFFF:${address}`,
      (address) => `[::ffff:${address}]:80`,
      (address) => `0:0:0:0:0:ffff:${address}`,
    )
    fc.assert(
      fc.property(fc.ipV4(), spellings, (address, spell) => {
        expect(canonicalAddress(spell(address))).toBe(address)
      }),
    )
  })

  test('all spellings of an IPv6 address are one', () => {
    const spellings = fc.constantFrom<(parts: readonly number[]) => string>(
      (parts) => parts.map((part) => part.toString(16)).join(':'),
      (parts) => parts.map((part) => part.toString(16).toUpperCase().padStart(4, '0')).join(':'),
      (parts) => `[${parts.map((part) => part.toString(16)).join(':')}]`,
      (parts) => `[${parts.map((part) => part.toString(16)).join(':')}]:443`,
      (parts) => `${parts.map((part) => part.toString(16)).join(':')}%eth0`,
      (parts) => new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`).hostname,
    )
    fc.assert(
      fc.property(groups, spellings, (parts, spell) => {
        const plain = parts.map((part) => part.toString(16)).join(':')
        expect(canonicalAddress(spell(parts))).toBe(canonicalAddress(plain))
      }),
    )
    expect(canonicalAddress('2001:DB8:0:0::1')).toBe('2001:db8::1')
    expect(canonicalAddress('::ffff:cb00:7107')).toBe('203.0.113.7')
  })

  test.each([
    '',
    ' ',
    '127.1',
    '010.1.1.1',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4:',
    '[::1',
    '::1]',
    'a',
    '1.2.3.4 ',
  ])('%j is no address', (text) => expect(canonicalAddress(text)).toBeUndefined())
})

describe('networkOf', () => {
  test('an IPv4 address is counted by itself', () => {
    expect(networkOf('203.0.113.7', 56)).toBe('203.0.113.7')
    expect(networkOf('unknown', 56)).toBe('unknown')
  })

  test('addresses are one network if and only if their first bits are the same', () => {
    const near = fc
      .tuple(groups, fc.nat(127))
      .map(([parts, flip]): [number[], number[]] => [
        parts,
        parts.map((part, index) => (index === flip >> 4 ? part ^ (0x8000 >> (flip & 15)) : part)),
      ])
    fc.assert(
      fc.property(near, fc.integer({ min: 32, max: 64 }), ([left, right], prefix) => {
        const same = bits(left).slice(0, prefix) === bits(right).slice(0, prefix)
        const [one, other] = [left, right].map((parts) => parts.map((part) => part.toString(16)).join(':'))
        expect(networkOf(one ?? '', prefix) === networkOf(other ?? '', prefix)).toBe(same)
      }),
    )
    expect(networkOf('2001:db8:1:2ff::1', 56)).toBe('2001:db8:1:200::/56')
  })
})
