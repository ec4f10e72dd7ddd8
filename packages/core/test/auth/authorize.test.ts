import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { checkAccess, needsCaller } from '../../src/auth/access.js'
import { authorize } from '../../src/auth/authorize.js'
import { ANONYMOUS, createIdentity, type Identity } from '../../src/auth/identity.js'
import type { Demand } from '../../src/operation.js'

const scope: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'items:read', 'items:write')

describe('authorize', () => {
  test('one list demands every scope; a list of lists is satisfied by any of them', () => {
    const list = fc.array(scope, { minLength: 1 })
    fc.assert(
      fc.property(fc.array(scope), fc.array(list, { minLength: 1 }), (held, alternatives) => {
        const holdsAll = (all: readonly string[]): boolean => all.every((name) => held.includes(name))
        expect(authorize(holder(held), alternatives) === undefined).toBe(alternatives.some(holdsAll))
        for (const all of alternatives) {
          expect(authorize(holder(held), all) === undefined).toBe(holdsAll(all))
        }
      }),
    )
  })

  test('{ all, any } demands every one of the first and one of the second', () => {
    const list = fc.array(scope, { minLength: 1 })
    fc.assert(
      fc.property(fc.array(scope), list, list, (held, all, any) => {
        const [holdsAll, holdsAny] = [
          all.every((name) => held.includes(name)),
          any.some((name) => held.includes(name)),
        ]
        expect(authorize(holder(held), { all }) === undefined).toBe(holdsAll)
        expect(authorize(holder(held), { any }) === undefined).toBe(holdsAny)
        expect(authorize(holder(held), { scopes: { all, any } }) === undefined).toBe(holdsAll && holdsAny)
      }),
    )
  })

  test('roles are demanded beside scopes, and neither stands in for the other', () => {
    const clerk = createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['a'], roles: ['clerk'] })
    expect(authorize(clerk, { scopes: ['a'], roles: ['clerk'] })).toBeUndefined()
    expect(authorize(clerk, { roles: { any: ['owner', 'clerk'] } })).toBeUndefined()
    expect(authorize(clerk, { scopes: ['a'], roles: ['owner'] })?.code).toBe('scope-insufficient')
    expect(authorize(clerk, { scopes: ['clerk'] })?.code).toBe('scope-insufficient')
    expect(authorize(clerk, { roles: ['a'] })?.code).toBe('scope-insufficient')
    expect(authorize(undefined, { roles: ['clerk'] })?.code).toBe('credentials-missing')
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

  test('lets everyone do what demands nothing', () => {
    for (const identity of [undefined, ANONYMOUS, holder([])]) {
      for (const nothing of [undefined, {}, { mode: 'required' } as object]) {
        expect(authorize(identity, nothing)).toBeUndefined()
      }
    }
  })

  test('an empty list is met by nobody, in any form and in every gate', () => {
    const empty: readonly Demand[] = [
      [],
      [[]],
      { all: [] },
      { any: [] },
      { all: [], any: ['a'] },
      { all: ['a'], any: [] },
    ]
    for (const demand of empty) {
      for (const access of [{ scopes: demand }, { roles: demand }]) {
        expect(needsCaller(access)).toBe(true)
        const all = createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['a', ''], roles: ['a', ''] })
        expect(authorize(all, access)?.code).toBe('scope-insufficient')
        expect(checkAccess(access, all)?.code).toBe('scope-insufficient')
        expect(checkAccess(access, ANONYMOUS)?.code).toBe('credentials-missing')
      }
      expect(authorize(ANONYMOUS, demand)?.code).toBe('credentials-missing')
    }
    expect(authorize(holder(['a']), [[], ['a']])).toBeUndefined()
  })

  test('what is no demand at all is met by nobody', () => {
    for (const junk of ['a', 7, true, null, { all: 'a' }, { any: 'a' }, [7], [null]]) {
      expect(authorize(holder(['a', '7']), { scopes: junk as never })?.code).toBe('scope-insufficient')
    }
  })

  test('denies what mixes both forms', () => {
    expect(authorize(holder(['a']), ['a', ['b']] as never)?.code).toBe('scope-insufficient')
  })
})

function holder(scopes: readonly string[]): Identity {
  return createIdentity({ scheme: 'jwt', subject: 'ann', scopes })
}
