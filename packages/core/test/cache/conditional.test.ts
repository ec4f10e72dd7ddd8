import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { entityTagOf, isNotModified, matchesEntityTag, notModified } from '../../src/cache/conditional.js'
import { formatHttpDate } from '../../src/cache/http-date.js'
import { literalExchange } from '../../src/testing/exchange.js'

const NOW = Date.UTC(2026, 0, 1)
const EARLIER = formatHttpDate(NOW - 1000)
const LATER = formatHttpDate(NOW)

describe('If-None-Match', () => {
  test.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"x", W/"y",, "a"', '"a"', true],
    ['"x,y", "a"', '"x,y"', true],
    ['*', '"a"', true],
    ['""', '""', true],
    ['"a"', '"A"', false],
    ['"a"', '"aa"', false],
    ['a', '"a"', false],
    ['w/"a"', '"a"', false],
    ['"x" "a"', '"a"', false],
    ['"x", *', '"a"', false],
    ['"a', '"a"', false],
    ['', '"a"', false],
  ])('%s against %s is %s', (list, etag, expected) => {
    expect(matchesEntityTag(list, etag)).toBe(expected)
  })

  test('a list of any tags matches each of them and no other', () => {
    const tag = fc.stringMatching(/^[!#-~]{0,8}$/).map((text) => `"${text}"`)
    fc.assert(
      fc.property(fc.array(tag), tag, (list, etag) => {
        expect(matchesEntityTag(list.join(', '), etag)).toBe(list.includes(etag))
        expect(matchesEntityTag(list.map((each) => `W/${each}`).join(','), etag)).toBe(list.includes(etag))
      }),
    )
  })

  test('any text is read without a throw', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (list, etag) => void matchesEntityTag(list, etag)))
  })
})

function check(headers: Record<string, string>, fields: Record<string, string>): boolean {
  return isNotModified(literalExchange({ headers }), 200, fields, NOW)
}

describe('a client has what it asks for', () => {
  test('when it was not modified since', () => {
    const fields = { 'last-modified': EARLIER }
    expect(check({ 'if-modified-since': EARLIER }, fields)).toBe(true)
    expect(check({ 'if-modified-since': LATER }, fields)).toBe(true)
    expect(check({ 'if-modified-since': EARLIER }, { 'last-modified': LATER })).toBe(false)
  })

  test('by the entity tag alone where both are sent', () => {
    const fields = { etag: '"new"', 'last-modified': EARLIER }
    expect(check({ 'if-none-match': '"old"', 'if-modified-since': LATER }, fields)).toBe(false)
    expect(check({ 'if-none-match': '"new"', 'if-modified-since': 'never' }, fields)).toBe(true)
  })

  test('not by a date that is none, nor by the Date of an answer', () => {
    expect(check({ 'if-modified-since': '2026-01-01' }, { 'last-modified': EARLIER })).toBe(false)
    expect(check({ 'if-modified-since': LATER }, { date: EARLIER })).toBe(false)
  })
})

test('a 304 has every field but those of the content', () => {
  const kept = {
    etag: '"a"',
    vary: 'accept',
    'cache-control': 'max-age=60',
    date: LATER,
    'content-location': '/a',
  }
  const content = { 'content-type': 'text/plain', 'content-length': '3', 'content-encoding': 'gzip' }
  expect(notModified({ headers: { ...kept, ...content } })).toEqual({
    kind: 'answer',
    status: 304,
    headers: kept,
    body: null,
  })
})

test('different contents have different strong tags', () => {
  expect(entityTagOf(Buffer.from('a'))).toMatch(/^"[A-Za-z0-9_-]{43}"$/)
  expect(entityTagOf(Buffer.from('a'))).not.toBe(entityTagOf(Buffer.from('b')))
})
