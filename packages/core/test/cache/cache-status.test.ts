import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseList, Token } from 'structured-headers'
import { cacheStatus } from '../../src/cache/cache-status.js'

const status = cacheStatus('headgate')

test('a hit says how long it lasts', () => {
  expect(status.hit({}, 376_900)).toBe('headgate; hit; ttl=376')
})

test('a miss says why, and whether it was stored', () => {
  expect(status.forwarded({}, { fwd: 'uri-miss', stored: true })).toBe('headgate; fwd=uri-miss; stored')
  expect(status.forwarded({}, { fwd: 'stale', stored: false, detail: 'set-cookie' })).toBe(
    'headgate; fwd=stale; stored=?0; detail=set-cookie',
  )
  expect(status.forwarded({}, { fwd: 'vary-miss' })).toBe('headgate; fwd=vary-miss')
})

test('a member stands after those of caches nearer to the origin', () => {
  expect(status.hit({ 'cache-status': ['a; hit', 'b; fwd=miss'] }, 0)).toBe(
    'a; hit, b; fwd=miss, headgate; hit; ttl=0',
  )
})

test('any name and outcome is a valid structured field with that name', () => {
  const name = fc.stringMatching(/^[ -~]{1,20}$/)
  const detail = fc.constantFrom('set-cookie', 'no-store', undefined)
  fc.assert(
    fc.property(
      name,
      fc.nat(),
      fc.option(fc.boolean(), { nil: undefined }),
      detail,
      (text, ttl, stored, why) => {
        const writer = cacheStatus(text)
        const forwarded = {
          fwd: 'uri-miss' as const,
          ...(stored !== undefined && { stored }),
          ...(why !== undefined && { detail: why }),
        }
        for (const line of [writer.hit({}, ttl), writer.forwarded({}, forwarded)]) {
          const [member] = parseList(line)
          expect(member?.[0] instanceof Token ? member[0].toString() : member?.[0]).toBe(text)
          expect(member?.[1].has('hit')).not.toBe(member?.[1].has('fwd'))
        }
      },
    ),
  )
})
