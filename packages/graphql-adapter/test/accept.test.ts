import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { negotiate } from '../src/accept.js'

const GRAPHQL = 'application/graphql-response+json'
const JSON_TYPE = 'application/json'

describe('the media type of the answer', () => {
  test.each([
    [undefined, JSON_TYPE],
    ['', JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    [GRAPHQL, GRAPHQL],
    ['Application/GraphQL-Response+JSON', GRAPHQL],
    [`${GRAPHQL}; charset=utf-8`, GRAPHQL],
    [`${GRAPHQL};profile=x; charset="UTF-8"`, GRAPHQL],
    [`${JSON_TYPE}; charset=utf8`, JSON_TYPE],
    [`${GRAPHQL}, ${JSON_TYPE}`, GRAPHQL],
    [`${JSON_TYPE}, ${GRAPHQL}`, JSON_TYPE],
    [`${GRAPHQL};q=0.5, ${JSON_TYPE}`, JSON_TYPE],
    [`${JSON_TYPE};q=0.5, ${GRAPHQL}`, GRAPHQL],
    [`${GRAPHQL}, */*`, GRAPHQL],
    [`${GRAPHQL};q=0, */*`, JSON_TYPE],
    [`${JSON_TYPE};q=0, */*`, GRAPHQL],
    [`text/html, ${JSON_TYPE};q=0.9, */*;q=0.8`, JSON_TYPE],
    ['text/html', undefined],
    [`${GRAPHQL};q=0`, undefined],
    ['*/*;q=0', undefined],
    [`${JSON_TYPE}; charset=latin1`, undefined],
    [`${GRAPHQL};q=often`, undefined],
  ])('for %p it is %p', (accept, expected) => {
    expect(negotiate(accept)).toBe(expected)
  })

  test('any text gives a type or none, and never an error', () => {
    fc.assert(
      fc.property(fc.string(), (accept) => {
        expect([GRAPHQL, JSON_TYPE, undefined]).toContain(negotiate(accept))
      }),
    )
  })
})
