import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { prepareChallenges, scopeParameter, serializeChallenge } from '../../src/auth/challenge.js'
import { rejected, type Scheme, type SchemeChallenge } from '../../src/auth/scheme.js'

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
const value = fc.stringMatching(/^[ !#-[\]-~]{0,24}$/)
const parameters = fc.dictionary(token, value, { minKeys: 1, maxKeys: 4 })

describe('serializeChallenge', () => {
  test('what it writes parses back to the same parameters', () => {
    fc.assert(
      fc.property(token, parameters, (authScheme, given) => {
        expect(parseChallenge(serializeChallenge(authScheme, given))).toEqual({
          authScheme,
          parameters: { ...given },
        })
      }),
    )
  })

  test('refuses every value that would need an escape or break the line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => /[^ !#-[\]-~]/.test(text)),
        (bad) => {
          expect(() => serializeChallenge('Bearer', { realm: bad })).toThrow(TypeError)
        },
      ),
    )
  })

  test('refuses a scheme without a parameter, and names that are no tokens', () => {
    expect(() => serializeChallenge('Bearer', {})).toThrow(TypeError)
    expect(() => serializeChallenge('Bea rer', { realm: 'api' })).toThrow(TypeError)
    expect(() => serializeChallenge('Bearer', { 'a b': 'x' })).toThrow(TypeError)
  })
})

describe('scopeParameter', () => {
  test('joins scopes by one space and gives up on what can not stand in a challenge', () => {
    expect(scopeParameter(['a', 'b:c'])).toBe('a b:c')
    expect(scopeParameter(['a', 'b"c'])).toBeUndefined()
    expect(scopeParameter(['a b'])).toBeUndefined()
    expect(scopeParameter([''])).toBeUndefined()
  })
})

describe('prepareChallenges', () => {
  const key = scheme({ authScheme: 'ApiKey' })
  const bearer = scheme({ authScheme: 'Bearer', errors: true })
  const sameBearer = scheme({ authScheme: 'Bearer', errors: true })
  const challenges = prepareChallenges([key, bearer, sameBearer], 'api')

  test('puts Bearer first and writes one line for schemes that ask in the same words', () => {
    expect(challenges.all()).toEqual(['Bearer realm="api"', 'ApiKey realm="api"'])
  })

  test('puts an error on the line of its own scheme alone', () => {
    expect(challenges.all({ error: 'invalid_token' }, sameBearer)).toEqual([
      'Bearer realm="api", error="invalid_token"',
      'ApiKey realm="api"',
    ])
    expect(challenges.only(bearer, { error: 'insufficient_scope', scope: 'a' })).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="a"',
    )
  })

  test('leaves errors out of a scheme that has no such parameters', () => {
    expect(challenges.all({ error: 'invalid_token' }, key)).toEqual([
      'Bearer realm="api"',
      'ApiKey realm="api"',
    ])
  })
})

function scheme(challenge: SchemeChallenge): Scheme {
  const { authScheme } = challenge
  return {
    name: authScheme,
    credential: { field: 'authorization', authScheme },
    challenge,
    verify: () => rejected('malformed'),
  }
}

/** RFC 9110 11.6.1, quoted strings without escapes. */
function parseChallenge(line: string): { authScheme: string; parameters: Record<string, string> } {
  const space = line.indexOf(' ')
  let rest = line.slice(space + 1)
  const parsed: Record<string, string> = {}
  while (rest !== '') {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)="([^"\\]*)"(?:, (?=.)|$)/.exec(rest)
    if (match === null) throw new Error(`no challenge: ${line}`)
    Object.defineProperty(parsed, match[1] ?? '', { value: match[2], enumerable: true })
    rest = rest.slice(match[0].length)
  }
  return { authScheme: line.slice(0, space), parameters: parsed }
}
