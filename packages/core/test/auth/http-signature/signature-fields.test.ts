import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseWrittenDictionary } from '../../../src/auth/http-signature/dictionary.js'
import { chain, signed } from './signing.js'

type Headers = Readonly<Record<string, string | readonly string[]>>

describe('the two fields', () => {
  const { 'signature-input': input = '', signature = '' } = signed().headers
  const noun = input.slice('sig='.length)

  test.each<[string, string, string, string]>([
    ['only one of them', input, '', 'malformed signature'],
    ['only the other', '', signature, 'malformed signature-input'],
    ['a label twice', `${input}, ${input}`, signature, 'malformed signature-input'],
    ['a signature twice', input, `${signature}, ${signature}`, 'malformed signature'],
    ['a second signature that nothing describes', input, `${signature}, other=:AAAA:`, 'malformed signature'],
    [
      'a second one without a signature',
      `${input}, other=();created=1;keyid="a"`,
      signature,
      'malformed signature',
    ],
    ['a parameter twice', `${input};created=1`, signature, 'malformed signature-input'],
    ['an unknown parameter', `${input};new=1`, signature, 'malformed parameters'],
    [
      'a component twice',
      input.replace('("@method"', '("@method" "@method"'),
      signature,
      'malformed components',
    ],
    [
      'a component of a response',
      input.replace('("@method"', '("@status" "@method"'),
      signature,
      'malformed components',
    ],
    [
      'a component of another request',
      input.replace('"@method"', '"@method";req'),
      signature,
      'malformed components',
    ],
    [
      'a trailer',
      input.replace('"content-digest"', '"content-digest";tr'),
      signature,
      'malformed components',
    ],
    [
      'an unknown word on a component',
      input.replace('"@method"', '"@method";new'),
      signature,
      'malformed components',
    ],
    [
      'a component that the request lacks',
      input.replace('("@method"', '("x-none" "@method"'),
      signature,
      'malformed components',
    ],
    ['no time', input.replace(/;created=\d+/, ''), signature, 'claim-missing created'],
    [
      'a time that is no whole number',
      input.replace(/created=(\d+)/, 'created=$1.5'),
      signature,
      'malformed parameters',
    ],
    ['a time as a date', input.replace(/created=/, 'created=@'), signature, 'malformed signature-input'],
    ['a time as text', input.replace(/created=(\d+)/, 'created="$1"'), signature, 'malformed parameters'],
    ['a time before time', input.replace(/created=/, 'created=-'), signature, 'malformed parameters'],
    ['no key', input.replace(/;keyid="[^"]*"/, ''), signature, 'claim-missing keyid'],
    ['a key that is a word', input.replace(/"ed25519"/, 'ed25519'), signature, 'malformed parameters'],
    ['an empty key', input.replace(/"ed25519"/, '""'), signature, 'malformed parameters'],
    [
      'a key that is too long',
      input.replace(/"ed25519"/, `"${'k'.repeat(257)}"`),
      signature,
      'malformed parameters',
    ],
    ['two spaces', input.replace(' ', '  '), signature, 'malformed signature-input'],
    ['a space after a semicolon', input.replace(';', '; '), signature, 'malformed signature-input'],
    ['no list', 'sig=1;created=1;keyid="a"', signature, 'malformed signature-input'],
    ['a list for a signature', input, 'sig=(:AAAA:)', 'malformed signature'],
    ['text for a signature', input, 'sig="AAAA"', 'malformed signature'],
    ['a signature with a parameter', input, `${signature};a`, 'malformed signature'],
    ['too much', `${input}, ${'a'.repeat(4_096)}=${noun}`, signature, 'malformed signature-input'],
  ])('that hold %s are refused', async (_title, inputs, signatures, expected) => {
    const request = signed()
    const headers: Headers = {
      ...request.headers,
      'signature-input': inputs === '' ? [] : inputs,
      signature: signatures === '' ? [] : signatures,
    }
    expect(await chain().verdict({ ...request, headers })).toBe(expected)
  })

  test.each([
    [60, 'bad-signature'],
    [61, 'malformed components'],
  ])('may name 64 components: beside four of them %i are %s', async (count, expected) => {
    const names = Array.from({ length: count }, (_, index) => `x-${index}`)
    const more = names.map((name) => `"${name}"`).join(' ')
    const { headers, ...request } = signed()
    const named = {
      ...headers,
      ...Object.fromEntries(names.map((name) => [name, '1'])),
      'signature-input': input.replace(')', ` ${more})`),
    }
    expect(await chain().verdict({ ...request, headers: named })).toBe(expected)
  })

  test('may hold anything: the answer is 401, 503 or an identity, and nothing of them is told', async () => {
    const SECRET = 'm4rkedSecret0123456789'
    const words = fc.constantFrom(
      'sig=',
      '(',
      ')',
      '"@method"',
      '"@target-uri"',
      '"content-digest"',
      '"@query-param";name="a"',
      '"x";key="a"',
      ';sf',
      ';bs',
      ';req',
      ';created=1700000000',
      ';expires=1',
      ';keyid="ed25519"',
      ';keyid="hmac-sha256"',
      ';nonce="',
      ';alg=',
      ';tag="',
      '"',
      ',',
      ' ',
      '\t',
      ':',
      '=',
      '%"',
      ';',
      '?1',
      '@1',
      '1e999',
      '-',
      '\u00e9',
      '\u0000',
      SECRET,
      `"${SECRET}"`,
      `:${Buffer.from(SECRET).toString('base64')}:`,
    )
    const field = fc.oneof(
      fc.array(words, { maxLength: 14 }).map((all) => all.join('')),
      fc
        .tuple(words, fc.nat(input.length))
        .map(([word, place]) => input.slice(0, place) + word + input.slice(place)),
      fc
        .tuple(words, fc.nat(signature.length))
        .map(([word, place]) => signature.slice(0, place) + word + signature.slice(place)),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom(input, signature),
    )
    const lines = fc.array(field, { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(lines, lines, async (inputs, signatures) => {
        fc.pre(inputs.length + signatures.length > 0)
        const gate = chain()
        const request = signed()
        const headers: Headers = { ...request.headers, 'signature-input': inputs, signature: signatures }
        const { reply, exchange, identity } = await gate.send({ ...request, headers })
        expect(gate.errors).toEqual([])
        if (identity === undefined) expect([401, 503]).toContain(reply.status)
        const told = JSON.stringify([exchange.events, reply, gate.store.told])
        expect(told).not.toContain(SECRET)
        expect(told).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 16))
      }),
      { numRuns: 500 },
    )
  })
})

describe('a dictionary that is taken', () => {
  test('has one spelling but for the space around its commas', () => {
    const spelled = fc.tuple(
      fc.array(
        fc.constantFrom(
          'a=1',
          'b="x, y"',
          'c=(1 2);d',
          'e',
          'f=:AA==:',
          'a=2',
          'g=1.0',
          'h=01',
          'i;j=?1',
          'k=:AB==:',
          'l=-0',
        ),
        { minLength: 1, maxLength: 4 },
      ),
      fc.constantFrom(',', ', ', ' , ', '\t,'),
    )
    const canonical = new Set(['a=1', 'a=2', 'b="x, y"', 'c=(1 2);d', 'e', 'f=:AA==:'])
    fc.assert(
      fc.property(spelled, ([members, comma]) => {
        const names = members.map((member) => member[0])
        const isOne = new Set(names).size === names.length && members.every((member) => canonical.has(member))
        expect(parseWrittenDictionary(members.join(comma)) !== undefined).toBe(isOne)
      }),
    )
  })
})
