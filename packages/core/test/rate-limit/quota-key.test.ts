import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { ANONYMOUS, createIdentity, type IdentityInit } from '../../src/auth/identity.js'
import { budgetKey, type QuotaKey } from '../../src/rate-limit/quota-key.js'
import { type ExchangeInit, literalExchange } from '../../src/testing/exchange.js'

type Who = Partial<IdentityInit> & Pick<ExchangeInit, 'address' | 'operation'>

function keyOf(key: QuotaKey, { address, operation, ...init }: Who = {}): string {
  const named = Object.keys(init).length > 0
  const identity = createIdentity({ scheme: 'jwt', subject: 'ann', ...init })
  return budgetKey(
    'key',
    key,
    56,
  )(
    literalExchange({
      ...(named && { identity }),
      ...(address !== undefined && { address }),
      ...(operation !== undefined && { operation }),
    }),
  )
}

describe('identity', () => {
  test('a caller has one budget with every credential and from everywhere', () => {
    const one = keyOf('identity', { subject: 'ann', credentialId: 'a', scopes: ['x'] })
    expect(keyOf('identity', { subject: 'ann', credentialId: 'b', address: '::1' })).toBe(one)
  })

  test('the same subject of another scheme, issuer or tenant is another caller', () => {
    const keys = [
      { scheme: 'api-key' },
      { issuer: 'i' },
      { issuer: 'j' },
      { tenant: 't' },
      { subject: 'ann' },
    ]
    expect(new Set(keys.map((init) => keyOf('identity', init))).size).toBe(keys.length)
  })

  test('who is not known is counted by the address', () => {
    const identity = ANONYMOUS
    const anonymous = budgetKey('key', 'identity', 56)(literalExchange({ identity }))
    expect(anonymous).toBe(keyOf('ip'))
    expect(keyOf('identity')).toBe(keyOf('ip'))
    expect(keyOf('identity', { address: '198.51.100.1' })).not.toBe(anonymous)
  })
})

describe('tenant', () => {
  test('its callers share a budget; tenants of two issuers do not', () => {
    const one = keyOf('tenant', { subject: 'ann', issuer: 'i', tenant: 't' })
    expect(keyOf('tenant', { subject: 'bob', issuer: 'i', tenant: 't' })).toBe(one)
    expect(keyOf('tenant', { subject: 'bob', issuer: 'j', tenant: 't' })).not.toBe(one)
  })

  test('a caller without one is counted alone, an unknown one by the address', () => {
    expect(keyOf('tenant', { subject: 'ann' })).toBe(keyOf('identity', { subject: 'ann' }))
    expect(keyOf('tenant')).toBe(keyOf('ip'))
  })
})

describe('ip', () => {
  test('an IPv6 customer has one budget, and each IPv4 address its own', () => {
    const one = keyOf('ip', { address: '2001:db8:1:200::1' })
    expect(keyOf('ip', { address: '2001:db8:1:2ff:ffff::9' })).toBe(one)
    expect(keyOf('ip', { address: '2001:db8:1:300::1' })).not.toBe(one)
    expect(keyOf('ip', { address: '192.0.2.1' })).not.toBe(keyOf('ip', { address: '192.0.2.2' }))
  })

  test('an identity does not matter', () => {
    expect(keyOf('ip', { subject: 'ann' })).toBe(keyOf('ip', { subject: 'bob' }))
  })
})

describe('everybody', () => {
  test('route: one budget for each operation; global: one', () => {
    const read = { operation: { name: 'GET /items/:id' } }
    const write = { operation: { name: 'POST /items' } }
    expect(keyOf('route', { ...read, subject: 'a' })).toBe(keyOf('route', { ...read, subject: 'b' }))
    expect(keyOf('route', read)).not.toBe(keyOf('route', write))
    expect(keyOf('global', { ...read, subject: 'a' })).toBe(keyOf('global', { ...write, subject: 'b' }))
  })
})

const byInitial: QuotaKey = ({ identity }) => identity?.subject.slice(0, 1)

describe('a function', () => {
  test('each name has a budget; without one the address has it', () => {
    expect(keyOf(byInitial, { subject: 'ann' })).toBe(keyOf(byInitial, { subject: 'abe' }))
    expect(keyOf(byInitial, { subject: 'bob' })).not.toBe(keyOf(byInitial, { subject: 'abe' }))
    expect(keyOf(byInitial)).toBe(keyOf('ip'))
  })

  test('anything but a string is an error of the service, not a shared budget', () => {
    for (const value of [null, 7, Promise.resolve('x'), {}]) {
      expect(() => keyOf((() => value) as unknown as QuotaKey)).toThrow(
        /key must return a string or undefined/,
      )
    }
  })
})

test('keys: no name a function or a client chooses meets another budget', () => {
  const others = [keyOf('ip'), keyOf('global'), keyOf('route'), keyOf('identity', { subject: 'ann' })]
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      expect(keyOf(() => one) === keyOf(() => other)).toBe(one === other)
      expect(others).not.toContain(keyOf(() => one))
      expect(keyOf('tenant', { tenant: one })).not.toBe(keyOf(() => one))
    }),
  )
})

test('keys: issuers and tenants whose names run into each other have budgets apart', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', ':'), minLength: 1, maxLength: 3 })
  const ofOne = fc.record({ issuer: name, tenant: name })
  fc.assert(
    fc.property(ofOne, ofOne, (one, other) => {
      const isSame = one.issuer === other.issuer && one.tenant === other.tenant
      expect(keyOf('tenant', one) === keyOf('tenant', other)).toBe(isSame)
    }),
    { numRuns: 2_000 },
  )
})
