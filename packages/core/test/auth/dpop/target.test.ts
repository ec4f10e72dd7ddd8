import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { originOf, targetCheck } from '../../../src/auth/dpop/target.js'

const ORIGIN = 'https://api.example'
const isTarget = targetCheck([ORIGIN])

function matches(htu: string, path: string): boolean {
  return isTarget(htu, { origin: 'http://10.0.0.7:8080', path })
}

describe('names the same target', () => {
  test.each([
    ['https://api.example/items', '/items'],
    ['https://api.example/items?page=2', '/items'],
    ['https://api.example/items#top', '/items'],
    ['HTTPS://API.Example/items', '/items'],
    ['https://api.example:443/items', '/items'],
    ['https://api.example', '/'],
    ['https://api.example/', '/'],
    ['https://api.example?a=/b', '/'],
    ['https://api.example/%7euser/%c3%a9', '/~user/%C3%A9'],
    ['https://api.example/~user', '/%7Euser'],
    ['https://api.example/a/./b/../c', '/a/c'],
    ['https://api.example/a/c', '/a/%2e/b/%2E%2e/c'],
    ['https://api.example/a/..', '/'],
    ['https://api.example/..', '/'],
    ['https://api.example/a%2Fb', '/a%2fb'],
    ['https://api.example/a//b', '/a//b'],
  ])('%s and %s', (htu, path) => {
    expect(matches(htu, path)).toBe(true)
  })
})

describe('names another target', () => {
  test.each([
    ['https://api.example/items', '/items/'],
    ['https://api.example/items', '/Items'],
    ['https://api.example/items', '/item'],
    ['https://api.example/a%2Fb', '/a/b'],
    ['https://api.example/a/b', '/a\\b'],
    ['https://api.example/a\\b', '/a/b'],
    ['https://api.example\\@evil.example/items', '/items'],
    ['https://evil.example/items', '/items'],
    ['https://api.example.evil.example/items', '/items'],
    ['https://api.example@evil.example/items', '/items'],
    ['https://user@api.example/items', '/items'],
    ['https://@api.example/items', '/items'],
    ['http://api.example/items', '/items'],
    ['https://api.example:444/items', '/items'],
    ['https:api.example/items', '/items'],
    ['https:///api.example/items', '/items'],
    ['//api.example/items', '/items'],
    ['/items', '/items'],
    ['', '/'],
    [' https://api.example/items', '/items'],
    ['https://api.example/items\n', '/items'],
    ['https://api.example/it\tems', '/items'],
    ['https://api.example/\u00e9', '/%C3%A9'],
    ['https://api.example/a//b', '/a/b'],
    ['https://api.example/%2561', '/%61'],
    ['ws://api.example/items', '/items'],
  ])('%j and %s', (htu, path) => {
    expect(matches(htu, path)).toBe(false)
  })
})

test('of several origins each will do, whatever the request says of itself', () => {
  const check = targetCheck([ORIGIN, 'https://www.example'])
  const incoming = { origin: 'https://evil.example', path: '/items' }
  expect(check('https://www.example/items', incoming)).toBe(true)
  expect(check('https://api.example/items', incoming)).toBe(true)
  expect(check('https://evil.example/items', incoming)).toBe(false)
})

test('where the request itself is asked, its own origin alone will do', () => {
  const check = targetCheck(undefined)
  expect(check('https://a.example/items', { origin: 'https://a.example', path: '/items' })).toBe(true)
  expect(check('https://a.example/items', { origin: 'https://a.example:443', path: '/items' })).toBe(true)
  expect(check('https://b.example/items', { origin: 'https://a.example', path: '/items' })).toBe(false)
  expect(check('http://a.example/items', { origin: 'https://a.example', path: '/items' })).toBe(false)
  expect(check('https:///items', { origin: 'https://', path: '/items' })).toBe(false)
})

test('what the URL parser makes of an address is the same to it, and so is what a client cut off', () => {
  const segment = fc.string({ unit: fc.constantFrom(..."abz09-._~%25:@!$&'()*+,;=".split('')), maxLength: 6 })
  const paths = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`)
  fc.assert(
    fc.property(paths, fc.constantFrom('', '?q=1', '#f', '?q=/../x#f'), (path, rest) => {
      fc.pre(!/%(?![0-9A-Fa-f]{2})/.test(path))
      const url = new URL(`${ORIGIN}${path}${rest}`)
      expect(matches(url.href, path)).toBe(true)
      expect(matches(`${ORIGIN}${path}${rest}`, url.pathname)).toBe(true)
    }),
  )
})

test('any text is compared without a throw, and one that matches has an origin of the list', () => {
  const pieces = fc.constantFrom(
    'https://',
    'api.example',
    '/',
    '@',
    ':443',
    '%2e',
    '..',
    '?',
    '#',
    '[',
    ']',
    '\\',
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(texts, texts, (htu, path) => {
      if (matches(htu, path)) expect(new URL(htu).origin).toBe(ORIGIN)
      originOf(htu)
    }),
    { numRuns: 2_000 },
  )
})
