import { describe, expect, test } from '@jest/globals'
import { parseItem } from 'structured-headers'
import { readComponent } from '../../../src/auth/http-signature/component.js'
import { componentValues, STRUCTURED_TYPES } from '../../../src/auth/http-signature/component-values.js'
import { type ExchangeInit, literalExchange } from '../../../src/testing/exchange.js'

/** The value of an identifier in the signature base; `none` where it is no component of a request. */
function value(identifier: string, init: ExchangeInit): string | undefined {
  const component = readComponent(parseItem(identifier))
  if (component === undefined) return 'none'
  const types = { ...STRUCTURED_TYPES, 'example-dict': 'dictionary', 'example-list': 'list' } as const
  return componentValues(literalExchange(init), types)(component)
}

describe('derived parts (RFC 9421 2.2)', () => {
  const init = {
    method: 'POST',
    origin: 'https://www.example.com',
    path: '/path',
    query: 'param=value&x=a%2Db',
  }

  test.each([
    ['"@method"', 'POST'],
    ['"@target-uri"', 'https://www.example.com/path?param=value&x=a%2Db'],
    ['"@authority"', 'www.example.com'],
    ['"@scheme"', 'https'],
    ['"@request-target"', '/path?param=value&x=a%2Db'],
    ['"@path"', '/path'],
    ['"@query"', '?param=value&x=a%2Db'],
  ])('%s is %s', (identifier, expected) => {
    expect(value(identifier, init)).toBe(expected)
  })

  test('are those of a request without a query, too', () => {
    expect(value('"@query"', { path: '/' })).toBe('?')
    expect(value('"@target-uri"', { path: '/' })).toBe('https://api.example/')
    expect(value('"@request-target"', { path: '/' })).toBe('/')
  })

  test.each([
    ['https://api.example:443', 'api.example'],
    ['http://api.example:80', 'api.example'],
    ['https://api.example:80', 'api.example:80'],
    ['http://api.example:443', 'api.example:443'],
    ['https://[::1]:8443', '[::1]:8443'],
    ['http://localhost:8080', 'localhost:8080'],
  ])('the authority of %s is %s', (origin, expected) => {
    expect(value('"@authority"', { origin })).toBe(expected)
    expect(value('"@target-uri"', { origin, path: '/a' })).toBe(
      `${origin.split(':')[0] ?? ''}://${expected}/a`,
    )
  })

  test.each([
    '"@status"',
    '"@method";req',
    '"@path";tr',
    '"@signature-params"',
    '"@other"',
    '@1',
    '"@query";name="a"',
  ])('%s is no part of a request', (identifier) => expect(value(identifier, init)).toBe('none'))
})

describe('query parameters (RFC 9421 2.2.8)', () => {
  test.each([
    ['param=value&foo=bar&baz=batman&qux=', 'baz', 'batman'],
    ['param=value&foo=bar&baz=batman&qux=', 'qux', ''],
    ['param=value&foo=bar&baz=batman&qux=', 'param', 'value'],
    ['var=this%20is%20a%20big%0Amultiline%20value', 'var', 'this%20is%20a%20big%0Amultiline%20value'],
    ['bar=with+plus+whitespace', 'bar', 'with%20plus%20whitespace'],
    ['fa%C3%A7ade%22%3A%20=something', 'fa%C3%A7ade%22%3A%20', 'something'],
    ['a=(*)!', 'a', '%28*%29%21'],
  ])('of %s, %s is %s', (query, name, expected) => {
    expect(value(`"@query-param";name="${name}"`, { query })).toBe(expected)
  })

  test.each([
    ['one that is not there', 'a=1', 'b'],
    ['one that stands twice', 'a=1&b=2&a=3', 'a'],
    ['one that stands twice, written otherwise', 'a=1&%61=3', 'a'],
    ['a name that is not encoded as it must be', 'a%2Db=1', 'a%2Db'],
    ['a name that would be two parameters', 'a=1&b=2', 'a=1&b'],
    ['a name that is a prototype’s member', 'a=1', 'constructor'],
  ])('%s has no value', (_title, query, name) => {
    expect(value(`"@query-param";name="${name}"`, { query })).toBeUndefined()
  })

  test('without a name is none', () => {
    expect(value('"@query-param"', { query: 'a=1' })).toBe('none')
    expect(value('"@query-param";name', { query: 'a=1' })).toBe('none')
    expect(value('"@query-param";name="a";req', { query: 'a=1' })).toBe('none')
  })
})

describe('fields (RFC 9421 2.1)', () => {
  const headers = {
    'x-ows-header': '  Leading and trailing whitespace.   ',
    'cache-control': ['max-age=60', '   must-revalidate'],
    'x-empty-header': '',
    'example-dict': '  a=1,    b=2;x=1;y=2,   c=(a   b   c), d',
    'example-list': ['a,b', '  c'],
    'example-header': ['value, with, lots', 'of, commas'],
    'example-one': 'value, with, lots, of, commas',
    latin: 'caf\u00e9',
    tab: 'a\tb',
    'no-break': '\u00a05\u00a0',
  }

  test.each([
    ['"x-ows-header"', 'Leading and trailing whitespace.'],
    ['"cache-control"', 'max-age=60, must-revalidate'],
    ['"x-empty-header"', ''],
    ['"example-dict"', 'a=1,    b=2;x=1;y=2,   c=(a   b   c), d'],
    ['"example-dict";sf', 'a=1, b=2;x=1;y=2, c=(a b c), d'],
    ['"example-dict";key="a"', '1'],
    ['"example-dict";key="d"', '?1'],
    ['"example-dict";key="b"', '2;x=1;y=2'],
    ['"example-dict";key="c"', '(a b c)'],
    ['"example-list";sf', 'a, b, c'],
    ['"example-header";bs', ':dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:'],
    ['"example-one";bs', ':dmFsdWUsIHdpdGgsIGxvdHMsIG9mLCBjb21tYXM=:'],
    ['"latin";bs', ':Y2Fm6Q==:'],
    ['"tab"', 'a\tb'],
  ])('%s is %s', (identifier, expected) => {
    expect(value(identifier, { headers })).toBe(expected)
  })

  test.each([
    ['a field that is not there', '"other"'],
    ['a member that is not there', '"example-dict";key="e"'],
    ['a member of what is no dictionary', '"x-ows-header";key="a"'],
    ['the structure of a field whose type is not known', '"tab";sf'],
    ['bytes that are no ASCII', '"latin"'],
    ['a space that is none in a field', '"no-break"'],
  ])('%s has no value', (_title, identifier) => {
    expect(value(identifier, { headers })).toBeUndefined()
  })

  test.each([
    '"Content-Type"',
    '""',
    '"a b"',
    '"a";sf=?0',
    '"a";key',
    '"a";bs;sf',
    '"a";sf;key="a"',
    '"a";req',
    '"a";tr',
    '"a";other',
    'token',
    '1',
  ])('%s names none', (identifier) => {
    expect(value(identifier, { headers })).toBe('none')
  })
})
