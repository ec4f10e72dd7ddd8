import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createIdentity, type IdentityInit, type Identity } from '../../src/auth/identity.js'

const text = fc.string({ unit: 'binary', maxLength: 6 })
const some = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 })
const init: fc.Arbitrary<IdentityInit> = fc.record(
  { scheme: some, subject: some, issuer: text, tenant: text, scopes: fc.array(text, { maxLength: 3 }) },
  { requiredKeys: ['scheme', 'subject'] },
)

describe('createIdentity', () => {
  test('callers share a key only if scheme, issuer, tenant and subject are the same', () => {
    fc.assert(
      fc.property(init, init, (one, other) => {
        const same = [one.scheme, one.issuer, one.tenant, one.subject].every(
          (part, index) => part === [other.scheme, other.issuer, other.tenant, other.subject][index],
        )
        expect(createIdentity(one).key === createIdentity(other).key).toBe(same)
      }),
    )
  })

  test.each([
    ['subject', { subject: undefined }],
    ['subject', { subject: '' }],
    ['subject', { subject: 42 }],
    ['scheme', { scheme: undefined }],
    ['tenant', { tenant: null }],
    ['tier', { tier: 1 }],
    ['scopes', { scopes: 'read write' }],
    ['roles', { roles: [undefined] }],
    ['credentialId', { credentialId: 7 }],
    ['issuedAt', { issuedAt: '2026-01-01' }],
    ['expiresAt', { expiresAt: Number.NaN }],
    ['expiresAt', { expiresAt: new Date() }],
    ['expiresAt', { expiresAt: Math.floor(Date.UTC(2030, 0, 1) / 1_000) }],
  ])('a wrong %s is an error: callers who are not told apart would be one', (member, wrong) => {
    const make = (): Identity => createIdentity({ scheme: 'jwt', subject: 'ann', ...(wrong as object) })
    expect(make).toThrow(new RegExp(`^createIdentity: ${member} must be `))
    expect(make).toThrow(TypeError)
  })

  test('another credential of one caller has the same key; other scopes have another partition', () => {
    const one = createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['b', 'a'], credentialId: '1' })
    const two = createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['a', 'b'], credentialId: '2' })
    const more = createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['a', 'b', 'c'] })
    expect(two.key).toBe(one.key)
    expect(two.partition).toBe(one.partition)
    expect(more.key).toBe(one.key)
    expect(more.partition).not.toBe(one.partition)
  })

  test('the tier is a part of the partition, not of the key: a caller keeps its budgets', () => {
    const tiers = [undefined, 'gold', 'silver'].map((tier) =>
      createIdentity({ scheme: 'jwt', subject: 'ann', tier, scopes: ['gold'], roles: ['gold'] }),
    )
    expect(tiers.map(({ tier }) => tier)).toEqual([undefined, 'gold', 'silver'])
    expect(new Set(tiers.map(({ partition }) => partition)).size).toBe(3)
    expect(new Set(tiers.map(({ key }) => key)).size).toBe(1)
  })

  test('claims are never written out, never inherited and can not be changed', () => {
    const identity = createIdentity({ scheme: 'jwt', subject: 'ann', claims: { email: 'ann@example.com' } })
    expect(JSON.stringify(identity)).not.toContain('ann@example.com')
    expect(identity.claims['email']).toBe('ann@example.com')
    expect(identity.claims['constructor']).toBeUndefined()
    expect(Object.isFrozen(identity.claims)).toBe(true)
  })

  test('roles are sorted, frozen and a part of the partition, apart from scopes', () => {
    expect(of([], ['b', 'a', 'b']).roles).toEqual(['a', 'b'])
    expect(Object.isFrozen(of([], ['a']).roles)).toBe(true)
    const partitions = [
      of([], []),
      of(['a'], []),
      of([], ['a']),
      of(['a'], ['a']),
      of(['a', 'b'], []),
      of(['a'], ['b']),
    ]
    expect(new Set(partitions.map(({ partition }) => partition)).size).toBe(partitions.length)
    expect(new Set(partitions.map(({ key }) => key)).size).toBe(1)
  })
})

function of(scopes: string[], roles: string[]): Identity {
  return createIdentity({ scheme: 'jwt', subject: 'ann', scopes, roles })
}
