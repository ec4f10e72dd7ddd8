import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { ExchangeInit } from '../../../src/testing/exchange.js'
import { ALGORITHMS, chain, KEYS, PAYMENT, signed } from './signing.js'

type Headers = Readonly<Record<string, string | readonly string[]>>

type Described = ExchangeInit & { readonly headers: Headers }

/** What is covered when nothing is said, and two fields more. */
const COVERED = [
  '"@method"',
  '"@target-uri"',
  '"content-digest"',
  '"idempotency-key"',
  '"content-type"',
  '"x-amount";bs',
]
const HEADERS = { ...PAYMENT.headers, 'x-amount': ['1', '2'] }

const text = fc.string({ unit: 'binary-ascii', maxLength: 12 })
const token = fc.stringMatching(/^[a-z0-9]{1,8}$/)

/** Changes of one covered part of a request, each to something that it was not. */
const changes: fc.Arbitrary<(request: Described) => ExchangeInit> = fc.oneof(
  fc.constantFrom('GET', 'PUT', 'post').map((method) => (request: Described) => ({ ...request, method })),
  token.map((name) => (request: Described) => ({ ...request, origin: `https://${name}.example` })),
  fc.constant((request: Described) => ({ ...request, origin: 'http://api.example' })),
  token.map((more) => (request: Described) => ({ ...request, path: `${request.path ?? ''}/${more}` })),
  fc.constant((request: Described) => ({ ...request, path: '/Payments' })),
  token.map((more) => (request: Described) => ({ ...request, query: `${request.query ?? ''}&${more}=1` })),
  fc.constant((request: Described) => ({ ...request, query: '' })),
  token.map((more) => (request: Described) => ({ ...request, body: `${String(request.body)}${more}` })),
  fc.constant((request: Described) => ({ ...request, body: '' })),
  fc
    .tuple(fc.constantFrom('content-type', 'idempotency-key', 'content-digest', 'x-amount'), text)
    .map(([name, value]) => (request: Described) => ({
      ...request,
      headers: { ...request.headers, [name]: `x${value}` },
    })),
  fc
    .constantFrom('content-type', 'idempotency-key', 'content-digest', 'x-amount')
    .map((name) => (request: Described) => ({ ...request, headers: { ...request.headers, [name]: [] } })),
  fc
    .tuple(fc.constantFrom('content-type', 'idempotency-key', 'content-digest', 'x-amount'), text)
    .map(([name, value]) => (request: Described) => ({
      ...request,
      headers: { ...request.headers, [name]: [request.headers[name] ?? [], value].flat() },
    })),
  // One line in place of two: `bs` tells them apart.
  fc.constant((request: Described) => ({ ...request, headers: { ...request.headers, 'x-amount': '1, 2' } })),
)

/** Changes of `Signature-Input`, each of one signed word. */
const inputChanges: fc.Arbitrary<(input: string) => string> = fc.oneof(
  fc
    .nat(9_999)
    .map(
      (more) => (input: string) =>
        input.replace(/created=\d+/, (was: string) => `${was.slice(0, -4)}${more + 1_0000}`),
    ),
  fc
    .constantFrom(';expires=9999999999', ';nonce="n"', ';alg="ed25519"')
    .map((more) => (input: string) => input + more),
  fc
    .constantFrom(...COVERED)
    .map((name) => (input: string) => input.replace(`${name} `, '').replace(` ${name}`, '')),
  fc
    .constantFrom('"@path"', '"@authority"', '"x-amount"', '"x-amount";key="a"')
    .map((name) => (input: string) => input.replace(')', ` ${name})`)),
  fc.constant((input: string) => input.replace('"@method" "@target-uri"', '"@target-uri" "@method"')),
  fc
    .constantFrom('ecdsa-p256-sha256', 'hmac-sha256', 'nobody')
    .map((keyid) => (input: string) => input.replace(/keyid="[^"]*"/, `keyid="${keyid}"`)),
)

describe('whatever is changed of', () => {
  test('a covered part makes a good signature bad', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('ed25519' as const, 'hmac-sha256' as const),
        changes,
        async (algorithm, change) => {
          const request = signed({
            algorithm,
            keyid: algorithm,
            key: KEYS[algorithm].sign,
            components: COVERED,
            headers: HEADERS,
          })
          expect(await chain().verdict(request)).toBe('accepted')
          expect(await chain().verdict(change(request))).not.toBe('accepted')
        },
      ),
      { numRuns: 300 },
    )
  })

  test('what a signature says of itself makes it bad', async () => {
    await fc.assert(
      fc.asyncProperty(inputChanges, async (change) => {
        const request = signed({ components: COVERED, headers: HEADERS })
        const input = request.headers['signature-input'] ?? ''
        const changed = change(input)
        fc.pre(changed !== input)
        const headers = { ...request.headers, 'signature-input': changed }
        expect(await chain().verdict({ ...request, headers })).not.toBe('accepted')
      }),
      { numRuns: 200 },
    )
  })

  test.each(ALGORITHMS)('the bytes of a signature makes it bad: %s', async (algorithm) => {
    const request = signed({ algorithm, keyid: algorithm, key: KEYS[algorithm].sign })
    const bytes = Buffer.from(/:(.*):/.exec(request.headers['signature'] ?? '')?.[1] ?? '', 'base64')
    const gate = chain({ replay: 'allowed' })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.byteLength - 1),
        fc.integer({ min: 1, max: 255 }),
        async (place, mask) => {
          const other = Buffer.from(bytes)
          other[place] = (other[place] ?? 0) ^ mask
          const headers = { ...request.headers, signature: `sig=:${other.toString('base64')}:` }
          expect(await gate.verdict({ ...request, headers })).toBe('bad-signature')
        },
      ),
      { numRuns: 100 },
    )
    for (const other of [
      Buffer.alloc(0),
      bytes.subarray(1),
      Buffer.concat([bytes, bytes]),
      Buffer.alloc(bytes.byteLength),
    ]) {
      const headers = { ...request.headers, signature: `sig=:${other.toString('base64')}:` }
      expect(await gate.verdict({ ...request, headers })).toBe('bad-signature')
    }
  })

  test('what is not covered changes nothing', async () => {
    const request = signed()
    const headers = {
      ...request.headers,
      accept: 'text/html',
      'content-type': 'text/plain',
      'x-forwarded-for': '1.1.1.1',
    }
    expect(await chain().verdict({ ...request, headers, address: '198.51.100.1' })).toBe('accepted')
  })
})
