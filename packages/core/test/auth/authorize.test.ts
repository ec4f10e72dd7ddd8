import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { authorize } from '../../src/auth/authorize.js'
import { ANONYMOUS, createIdentity, type Identity } from '../../src/auth/identity.js'

const scope: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'items:read', 'items:write')

describe('authorize', () => {
  test('one list demands every scope; a list of lists is satisfied by any of them', () => {
    fc.assert(
      fc.property(fc.array(scope), fc.array(fc.array(scope), { minLength: 1 }), (held, alternatives) => {
        const holdsAll = (all: readonly string[]): boolean => all.every((name) => held.includes(name))
        expect(authorize(holder(held), alternatives) === undefined).toBe(alternatives.some(holdsAll))
        for (const all of alternatives) {
          expect(authorize(holder(held), all) === undefined).toBe(holdsAll(all))
        }
      }),
    )
  })

  test('compares byte by byte: no look-alike of a scope grants it', () => {
    const needed = 'items:write'
    const lookAlikes = [
      'items:writ',
      'items:write ',
      'Items:write',
      'items:*',
      '*',
      'items:writeé',
      '',
      'items',
    ]
    expect(authorize(holder(lookAlikes), [needed])?.code).toBe('scope-insufficient')
    expect(authorize(holder([needed]), [needed])).toBeUndefined()
  })

  test('asks nobody-in-particular for a credential instead of forbidding', () => {
    expect(authorize(undefined, ['a'])).toMatchObject({ code: 'credentials-missing', status: 401 })
    expect(authorize(ANONYMOUS, [['a']])).toMatchObject({ code: 'credentials-missing', status: 401 })
    expect(authorize(holder([]), ['a'])).toMatchObject({ code: 'scope-insufficient', status: 403 })
  })

  test('lets everyone do what needs no scope', () => {
    for (const identity of [undefined, ANONYMOUS, holder([])]) {
      expect(authorize(identity, undefined)).toBeUndefined()
      expect(authorize(identity, [])).toBeUndefined()
    }
  })

  test('denies what mixes both forms', () => {
    expect(authorize(holder(['a']), ['a', ['b']] as never)?.code).toBe('scope-insufficient')
  })
})

function holder(scopes: readonly string[]): Identity {
  return createIdentity({ scheme: 'jwt', subject: 'ann', scopes })
}
