import { describe, expect, test } from '@jest/globals'
import { httpSignature } from '../../../src/auth/http-signature/http-signature.js'
import type { HttpSignatureOptions } from '../../../src/auth/http-signature/options.js'
import { chain, lookup, PAYMENT, signed } from './signing.js'

describe('options', () => {
  const good = { lookup, origin: 'https://api.example', replay: 'allowed' } as const
  test.each<[string, object, RegExp]>([
    ['none', {}, /lookup must be a function/],
    ['no word on replays', { lookup, origin: 'request' }, /replay \(or 'allowed'\) is required/],
    ['no origin', { lookup, replay: 'allowed' }, /origin must be origins such as/],
    ['no origins', { ...good, origin: [] }, /origin must be origins such as/],
    [
      'an origin with a path',
      { ...good, origin: ['https://a.example', 'https://b.example/b'] },
      /origin must be/,
    ],
    ['an origin of another kind', { ...good, origin: 'ftp://api.example' }, /origin must be/],
    ['an origin that is no text', { ...good, origin: [1] }, /origin must be/],
    ['a typo', { ...good, maxage: 1 }, /unknown option 'maxage'/],
    ['nothing to cover', { ...good, components: [] }, /components must be an array with at least one/],
    ['a part that is none', { ...good, components: ['@status'] }, /components\[0\]/],
    ['a field in upper case', { ...good, components: ['@method', 'Date'] }, /components\[1\]/],
    ['one parameter', { ...good, components: ['@query-param'] }, /components\[0\]/],
    ['a word for content that is none', { ...good, content: 'no' }, /content must be one of/],
    ['no limit of content', { ...good, maxContentBytes: 0 }, /maxContentBytes/],
    ['no window', { ...good, maxAge: 0 }, /maxAge/],
    ['a broken clock', { ...good, clockTolerance: '6m' }, /clockTolerance must be at most 5 minutes/],
    ['a word for nonces that is none', { ...good, nonce: true }, /nonce must be one of/],
    ['an empty tag', { ...good, tag: '' }, /tag must be a non-empty string/],
    ['a type that is none', { ...good, structuredFields: { a: 'map' } }, /structuredFields\['a'\]/],
    ['a type of no field', { ...good, structuredFields: { 'A b': 'item' } }, /structuredFields must name/],
    ['no deadline', { ...good, deadline: 0 }, /deadline/],
    ['no clock', { ...good, clock: {} }, /clock/],
  ])('%s is a TypeError that says so', (_title, options, message) => {
    expect(() => httpSignature(options as HttpSignatureOptions)).toThrow(TypeError)
    expect(() => httpSignature(options as HttpSignatureOptions)).toThrow(message)
  })

  test('fields of one’s own have a structure', async () => {
    const components = ['"@method"', '"@target-uri"', '"content-digest"', '"idempotency-key"', '"x-list";sf']
    const structuredFields = { 'x-list': 'list' } as const
    const request = signed({ components, structuredFields, headers: { ...PAYMENT.headers, 'x-list': 'a,b' } })
    expect(await chain({ structuredFields }).verdict(request)).toBe('accepted')
    const spaced = { ...request, headers: { ...request.headers, 'x-list': 'a,   b' } }
    expect(await chain({ structuredFields }).verdict(spaced)).toBe('accepted')
    expect(await chain().verdict(request)).toBe('malformed components')
  })
})
