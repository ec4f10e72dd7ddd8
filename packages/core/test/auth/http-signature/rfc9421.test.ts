import { describe, expect, test } from '@jest/globals'
import { createHash, sign } from 'node:crypto'
import type { SignatureAlgorithm } from '../../../src/auth/http-signature/algorithms.js'
import type { HttpSignatureOptions } from '../../../src/auth/http-signature/options.js'
import type { SignatureKey } from '../../../src/auth/http-signature/signature-key.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { signRequest } from '../../../src/testing/sign-request.js'
import { chain, KEYS, PAYMENT, RFC_KEYS, signed } from './signing.js'

// The examples of RFC 9421, appendix B: requests, keys and signatures as they are printed there.
const CREATED = 1_618_884_473

const REQUEST = {
  method: 'POST',
  origin: 'https://example.com',
  path: '/foo',
  query: 'param=Value&Pet=dog',
  body: '{"hello": "world"}',
}
const HEADERS = {
  host: 'example.com',
  date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  'content-type': 'application/json',
  'content-digest':
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  'content-length': '18',
}

interface Example {
  readonly key: SignatureKey
  readonly input: string
  readonly signature: string
  readonly request?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly options: Partial<HttpSignatureOptions>
}

const RSA: SignatureKey = { algorithm: 'rsa-pss-sha512', key: RFC_KEYS.rsaPss, subject: 'example' }
const P256: SignatureKey = { algorithm: 'ecdsa-p256-sha256', key: RFC_KEYS.p256, subject: 'example' }
const ED25519: SignatureKey = { algorithm: 'ed25519', key: RFC_KEYS.ed25519, subject: 'example' }
const SECRET: SignatureKey = { algorithm: 'hmac-sha256', key: RFC_KEYS.secret, subject: 'example' }

const EXAMPLES: Readonly<Record<string, Example>> = {
  'B.2.2, some components, RSA-PSS': {
    key: RSA,
    options: { components: ['@authority'], tag: 'header-example' },
    input:
      'sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
    signature:
      'LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==',
  },
  'B.2.3, all components, RSA-PSS': {
    key: RSA,
    options: { components: ['@method', '@path', '@query', '@authority', 'date', 'content-type'] },
    input:
      'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"',
    signature:
      'bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==',
  },
  'B.2.5, a shared secret': {
    key: SECRET,
    options: { components: ['@authority', 'date'], content: 'ignored' },
    input: 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    signature: 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=',
  },
  'B.2.6, Ed25519': {
    key: ED25519,
    options: { components: ['@method', '@path', '@authority'], content: 'ignored' },
    input:
      'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    signature: 'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==',
  },
  'B.3, behind a proxy that ends TLS, ECDSA P-256': {
    key: P256,
    options: { components: ['@method', '@path', '@query', '@authority', 'client-cert'], content: 'ignored' },
    request: { origin: 'https://service.internal.example' },
    headers: {
      'client-cert':
        ':MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:',
    },
    input:
      'ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
    signature: 'xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==',
  },
}

/** B.4: what intermediaries may change and what not. */
const TRANSFORMED = {
  request: {
    method: 'GET',
    origin: 'https://example.org',
    path: '/demo',
    query: 'name1=Value1&Name2=value2',
  },
  headers: { accept: ['application/json', '*/*'] },
  input: 'transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"',
  signature: 'ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==',
}

describe('the examples of RFC 9421', () => {
  test.each(Object.entries(EXAMPLES))('%s', async (_title, example) => {
    const { key, options, input, signature } = example
    const keyid = /keyid="([^"]*)"/.exec(input)?.[1]
    const find = (id: string): SignatureKey | undefined => (id === keyid ? key : undefined)
    const gate = chain({ lookup: find, clock: new ManualClock(CREATED * 1_000), ...options })
    const label = input.slice(0, input.indexOf('='))
    const headers = {
      ...HEADERS,
      ...example.headers,
      'signature-input': input,
      signature: `${label}=:${signature}:`,
    }
    expect(await gate.verdict({ ...REQUEST, ...example.request, headers })).toBe('accepted')

    const other = signature.startsWith('A') ? 'B' : 'A'
    const forged = { ...headers, signature: `${label}=:${other}${signature.slice(1)}:` }
    expect(await gate.verdict({ ...REQUEST, ...example.request, headers: forged })).toBe('bad-signature')
  })

  test.each<[SignatureAlgorithm, string, string]>([
    ['ed25519', 'test-key-ed25519', EXAMPLES['B.2.6, Ed25519']?.signature ?? ''],
    ['hmac-sha256', 'test-shared-secret', EXAMPLES['B.2.5, a shared secret']?.signature ?? ''],
  ])('are signed by the testing helper to the letter: %s', (algorithm, keyid, expected) => {
    const components =
      algorithm === 'ed25519'
        ? ['"date"', '"@method"', '"@path"', '"@authority"', '"content-type"', '"content-length"']
        : ['"date"', '"@authority"', '"content-type"']
    const fields = signRequest({
      method: 'POST',
      url: 'https://example.com/foo?param=Value&Pet=dog',
      headers: HEADERS,
      body: REQUEST.body,
      algorithm,
      keyid,
      key: algorithm === 'ed25519' ? RFC_KEYS.ed25519Private : RFC_KEYS.secret,
      created: CREATED,
      components,
    })
    expect(fields['signature']).toBe(`sig=:${expected}:`)
  })

  test.each<[string, object, Readonly<Record<string, string | readonly string[]>>, string]>([
    ['as it was signed', {}, {}, 'accepted'],
    ['a parameter added to the query', { query: 'name1=Value1&Name2=value2&param=added' }, {}, 'accepted'],
    ['fields added', {}, { 'accept-language': 'en-US,en;q=0.5', referer: 'https://x.example' }, 'accepted'],
    ['lines of a field combined', {}, { accept: 'application/json, */*' }, 'accepted'],
    ['another method', { method: 'POST' }, {}, 'bad-signature'],
    ['another authority', { origin: 'https://example.com' }, {}, 'bad-signature'],
    ['another order of lines', {}, { accept: ['*/*', 'application/json'] }, 'bad-signature'],
  ])('B.4, transformations: %s', async (_title, request, fields, expected) => {
    const gate = chain({
      lookup: () => ED25519,
      clock: new ManualClock(CREATED * 1_000),
      components: ['@method', '@path', '@authority'],
    })
    const { input, signature } = TRANSFORMED
    const headers = {
      ...TRANSFORMED.headers,
      'signature-input': input,
      signature: `transform=:${signature}:`,
      ...fields,
    }
    expect(await gate.verdict({ ...TRANSFORMED.request, ...request, headers })).toBe(expected)
  })
})

test('a request that is signed by hand, as docs/signatures.md shows, is accepted', async () => {
  const { url, body, created } = PAYMENT
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
  const parameters = `("@method" "@target-uri" "content-digest");created=${created};keyid="ed25519"`
  const base = [
    '"@method": POST',
    `"@target-uri": ${url}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ].join('\n')
  const signature = sign(null, Buffer.from(base), KEYS.ed25519.sign).toString('base64')
  const headers = {
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${signature}:`,
  }
  expect(await chain().verdict({ ...signed(), headers })).toBe('accepted')
})
