import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { canonicalJson } from '../../src/idempotency/canonical-json.js'
import { requestFingerprint } from '../../src/idempotency/fingerprint.js'
import { literalExchange } from '../../src/testing/exchange.js'

interface Request {
  readonly query?: string
  readonly type?: string
  readonly coding?: string
  readonly body?: string | Uint8Array
}

function fingerprint({ query = '', type, coding, body = '' }: Request): string {
  const headers = {
    ...(type !== undefined && { 'content-type': type }),
    ...(coding !== undefined && { 'content-encoding': coding }),
  }
  return requestFingerprint(literalExchange({ method: 'POST', query, headers }), Buffer.from(body))
}

const json = (body: string | Uint8Array): string => fingerprint({ type: 'application/json', body })

describe('JSON bodies are equal', () => {
  test.each([
    ['members in another order', '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
    ['other white space', '{"a":[1,2]}', ' {\n\t"a" : [ 1 , 2 ] }\r\n'],
    ['other escapes', '{"\\u0061":"\\/\\u00e9\\n"}', '{"a":"/\u00e9\\u000a"}'],
    ['surrogate pairs', '"\\ud83d\\ude00"', '"\u{1F600}"'],
    ['1, 1.0 and 1e0', '[1,10,0.5]', '[1.0,1e1,5E-1]'],
    ['100e-2 and 1', '100e-2', '1'],
    ['zeros', '[0,-0,0.000]', '[0e5,0,-0.0]'],
    ['exact decimals past 2^53', '9007199254740993', '9007199254740993.0'],
    ['quotes and backslashes', '["\\"\\\\","\\\\"]', '["\\u0022\\u005c" , "\\u005C"]'],
  ])('%s', (_, one, other) => {
    expect(json(one)).toBe(json(other))
  })

  test('whatever order and spelling any JSON value is written in', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.boolean(), fc.constant(null), tie('array'), tie('object')),
      array: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    }))
    fc.assert(
      fc.property(value, fc.nat(2), (made, indent) => {
        expect(canonicalJson(respelled(made, indent))).toBe(canonicalJson(JSON.stringify(made)))
      }),
    )
  })
})

/** The same value: members reversed, every character escaped, white space added. */
function respelled(value: unknown, indent: number): string {
  const space = ' '.repeat(indent)
  if (typeof value === 'string') {
    const codes = Array.from({ length: value.length }, (_, index) => value.charCodeAt(index))
    return `"${codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('')}"`
  }
  if (Array.isArray(value))
    return `[${space}${value.map((item) => respelled(item, indent)).join(`${space},`)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .toReversed()
    .map(([name, member]) => `${respelled(name, indent)}${space}:${space}${respelled(member, indent)}`)
  return `{${members.join(',')}${space}}`
}

describe('JSON bodies differ', () => {
  test.each([
    ['past 2^53', '{"amount":9007199254740993}', '{"amount":9007199254740992}'],
    ['past the range of a double', '1e400', '1e401'],
    ['in the last digit', '0.1', '0.10000000000000000001'],
    ['in the sign', '1', '-1'],
    ['in type', '"1"', '1'],
    ['in the order of items', '[1,2]', '[2,1]'],
    ['in nesting', '[[1],2]', '[[1,2]]'],
    ['in Unicode normalisation', '"\u00e9"', '"e\u0301"'],
    ['between a missing member and null', '{}', '{"a":null}'],
    ['between members that meet when joined', '{"a":"1,b:2"}', '{"a":"1","b":2}'],
  ])('%s', (_, one, other) => {
    expect(json(one)).not.toBe(json(other))
  })

  test.each([
    ['a repeated member name', '{"a":1,"a":2}', '{"a":1, "a":2}'],
    ['a name repeated in another spelling', '{"a":1,"\\u0061":2}', '{"\\u0061":2,"a":1}'],
    ['a lone surrogate', '"\\ud800"', '"\\ud801"'],
    ['deep nesting', `${'['.repeat(200)}1${']'.repeat(200)}`, `${'['.repeat(200)}1 ${']'.repeat(200)}`],
    ['an exponent past reason', '1e99999999999999999999', '1.0e99999999999999999999'],
    ['a text that is not JSON', "{'a':1}", "{'a': 1}"],
  ])('byte by byte with %s', (_, one, other) => {
    expect(json(one)).toBe(json(one))
    expect(json(one)).not.toBe(json(other))
  })

  test('byte by byte when the bytes are not UTF-8', () => {
    expect(json(Buffer.from([0x22, 0xff, 0x22]))).not.toBe(json(Buffer.from([0x22, 0xfe, 0x22])))
  })

  test('for any two different documents', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (one, other) => {
        const same = JSON.stringify(sorted(JSON.parse(one))) === JSON.stringify(sorted(JSON.parse(other)))
        if (!same) expect(json(one)).not.toBe(json(other))
      }),
    )
  })
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([name, member]) => [name, sorted(member)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}

test('hostile documents of a megabyte are read in linear time', () => {
  const size = 1_048_576
  for (const body of [
    '1' + '0'.repeat(size) + '1',
    `"${'\\\\'.repeat(size / 2)}"`,
    '['.repeat(size),
    '['.repeat(size / 2) + ']'.repeat(size / 2),
    '{"a":'.repeat(size / 8) + '1' + '}'.repeat(size / 8),
    `"${'a'.repeat(size)}"`,
  ]) {
    expect(() => canonicalJson(body)).not.toThrow()
  }
})

describe('media types', () => {
  test('are equal in another spelling', () => {
    const body = '{"a":1}'
    const spellings = [
      'application/json',
      'Application/JSON; charset=UTF-8',
      'application/json;charset="utf-8"',
    ]
    expect(new Set(spellings.map((type) => fingerprint({ type, body }))).size).toBe(1)
    expect(fingerprint({ type: 'text/plain; format=flowed; charset=utf-8', body })).toBe(
      fingerprint({ type: 'text/plain;charset="UTF-8";format="flowed"', body }),
    )
  })

  test('make requests different', () => {
    const body = '{"a":1}'
    const types = [
      'application/json',
      'application/json;version=2',
      'application/x+json',
      'text/plain',
      'text/plain;charset=utf-16',
      '',
      'broken;;',
    ]
    expect(new Set(types.map((type) => fingerprint({ type, body }))).size).toBe(types.length)
  })

  test('of a coded body: the coding counts and the bytes are compared', () => {
    const type = 'application/json'
    expect(fingerprint({ type, coding: 'gzip', body: '1' })).not.toBe(fingerprint({ type, body: '1' }))
    expect(fingerprint({ type, coding: 'gzip', body: '1' })).not.toBe(
      fingerprint({ type, coding: 'gzip', body: '1.0' }),
    )
  })
})

describe('queries', () => {
  test.each([
    ['letters', 'a=%41%2d%7e', 'a=A-~'],
    ['case of hexadecimal digits', 'a=%c3%a9', 'a=%C3%A9'],
  ])('are equal in another percent-encoding: %s', (_, one, other) => {
    expect(fingerprint({ query: one })).toBe(fingerprint({ query: other }))
    expect(fingerprint({ query: one, body: 'x' })).toBe(fingerprint({ query: other, body: 'x' }))
  })

  test('differ in value, order, reserved characters and presence', () => {
    const queries = [
      '',
      'a=1',
      'a=2',
      'a=1&b=2',
      'b=2&a=1',
      'a=1%26b=2',
      'a=1+2',
      'a=1%2B2',
      'a=1%202',
      'a',
      'a=',
    ]
    expect(new Set(queries.map((query) => fingerprint({ query }))).size).toBe(queries.length)
    expect(new Set(queries.map((query) => fingerprint({ query, body: '1' }))).size).toBe(queries.length)
  })

  test('never meet a body', () => {
    expect(fingerprint({ query: 'a' })).not.toBe(fingerprint({ body: 'a' }))
  })
})

const form = (body: string | Uint8Array): string =>
  fingerprint({ type: 'application/x-www-form-urlencoded', body })

const encode = (boundary: string, ...parts: readonly (readonly [string, string])[]): string =>
  `${parts.map(([head, content]) => `--${boundary}\r\n${head}\r\n\r\n${content}\r\n`).join('')}--${boundary}--\r\n`
const multipart = (boundary: string, body: string): string =>
  fingerprint({ type: `multipart/form-data; boundary=${boundary}`, body })
const head = (name: string, more = ''): string => `Content-Disposition: form-data; name="${name}"${more}`

describe('forms', () => {
  test('urlencoded are equal pair by pair, in order', () => {
    expect(form('a=1+2&b=%41')).toBe(form('a=1%202&b=A'))
    expect(form('a=1&b=2')).not.toBe(form('b=2&a=1'))
    expect(form('a=1%26b%3D2')).not.toBe(form('a=1&b=2'))
    expect(form('a=%ff')).not.toBe(form('a=%fe'))
    // What parsers read differently is compared byte by byte.
    expect(form('?a=1')).not.toBe(form('a=1'))
    expect(form('a=%zz%41')).not.toBe(form('a=%zzA'))
  })

  test('multipart are equal whatever the boundary', () => {
    const parts = [
      [head('a'), '1'],
      [head('f', '; filename="f.bin"\r\nContent-Type: x/y'), 'a\r\n--b\r\nc'],
    ] as const
    expect(multipart('one', encode('one', ...parts))).toBe(
      multipart('"two two"', encode('two two', ...parts)),
    )
  })

  test('multipart differ in name, file name, type, content, order and number', () => {
    const bodies = [
      encode('x', [head('a'), '1']),
      encode('x', [head('b'), '1']),
      encode('x', [head('a', '; filename="f"'), '1']),
      encode('x', [`${head('a')}\r\nContent-Type: text/csv`, '1']),
      encode('x', [head('a'), '2']),
      encode('x', [head('a'), '1'], [head('b'), '2']),
      encode('x', [head('b'), '2'], [head('a'), '1']),
      encode('x', [head('a'), `1\r\n--y\r\n${head('b')}\r\n\r\n2`]),
      `preamble\r\n${encode('x', [head('a'), '1'])}`,
      `${encode('x', [head('a'), '1'])}epilogue`,
      encode('x', [head('a'), '1']).slice(0, -6),
    ]
    expect(new Set(bodies.map((body) => multipart('x', body))).size).toBe(bodies.length)
  })

  test('as undici encodes them: a retry is the same request', async () => {
    expect(await sentForm()).toBe(await sentForm())
  })
})

async function sentForm(): Promise<string> {
  const data = new FormData()
  data.set('name', 'value')
  data.set('file', new Blob(['content'], { type: 'text/plain' }), 'file.txt')
  const encoded = new Response(data)
  const type = encoded.headers.get('content-type') ?? ''
  return fingerprint({ type, body: new Uint8Array(await encoded.arrayBuffer()) })
}
