import { BODIES, FIELDS, METHODS, SEGMENTS, TYPES, VALUES } from './dictionary.js'
import type { Chance } from './random.js'

/** Makes the bytes of one request: a good one with a few things wrong, or hardly a request at all. */
export function fuzzedRequest(chance: Chance, token: string): Buffer {
  if (chance.once(40)) return chance.bytes(chance.below(300))
  const { method, target, type, body } = template(chance)
  const content = chance.once(3) ? disturb(chance, Buffer.from(body)) : Buffer.from(body)
  const lines = [
    `${chance.once(60) ? chance.pick(METHODS) : method} ${chance.once(15) ? oddTarget(chance) : target} HTTP/1.1`,
    chance.once(40) ? 'Host: a\r\nHost: b' : 'Host: fuzz.example',
    ...(chance.once(12) ? [] : [credential(chance, token)]),
    ...(type === '' ? [] : [`Content-Type: ${chance.once(6) ? chance.pick(TYPES) : type}`]),
    ...(chance.once(3) ? [`Idempotency-Key: ${key(chance)}`] : []),
    ...Array.from({ length: chance.below(3) }, () => `${chance.pick(FIELDS)}: ${chance.pick(VALUES)}`),
    ...(chance.once(100) ? ['x: y'].concat(Array.from({ length: 250 }, (_, index) => `x${index}: y`)) : []),
  ]
  const request = framed(chance, lines, content)
  return chance.once(15) ? disturb(chance, request) : request
}

interface Template {
  readonly method: string
  readonly target: string
  readonly type: string
  readonly body: string
}

const JSON_TYPE = 'application/json'
const ITEM = '{"name":"Chair","price":120,"category":"seats"}'
const DOCUMENTS = [
  '{ items(first: 3) { id name price } }',
  'query Q($id: ID!) { user(id: $id) { name orders { item { name } } } }',
  'mutation { createItem(input: { name: "Chair", price: 120 }) { id } }',
  '{ a: __typename b: __schema { types { name fields { name } } } }',
  `{ ${'a: __typename '.repeat(50)}}`,
  '{ items '.repeat(60),
  'subscription { x }',
  '{ items(first: 1e999) { id } } # \u0000',
  '',
] as const

function template(chance: Chance): Template {
  const document = chance.pick(DOCUMENTS)
  const query = encodeURIComponent(document)
  const post = { query: document, variables: { id: chance.pick(['1', null, [], { a: 1 }, 1e308]) } }
  return chance.pick<Template>([
    { method: 'GET', target: '/items', type: '', body: '' },
    { method: 'GET', target: `/items/${chance.pick(SEGMENTS)}`, type: '', body: '' },
    {
      method: 'GET',
      target: `/api/resources/${chance.pick(SEGMENTS)}?q=${chance.pick(SEGMENTS)}`,
      type: '',
      body: '',
    },
    { method: 'POST', target: '/items/', type: JSON_TYPE, body: chance.once(2) ? ITEM : chance.pick(BODIES) },
    {
      method: 'PATCH',
      target: `/items/${chance.pick(SEGMENTS)}`,
      type: JSON_TYPE,
      body: chance.pick(BODIES),
    },
    { method: 'DELETE', target: `/items/${chance.pick(SEGMENTS)}`, type: '', body: '' },
    { method: 'POST', target: '/graphql', type: JSON_TYPE, body: JSON.stringify(post) },
    { method: 'POST', target: '/graphql', type: JSON_TYPE, body: chance.pick(BODIES) },
    {
      method: 'GET',
      target: `/graphql?query=${query}&variables=${chance.pick(SEGMENTS)}`,
      type: '',
      body: '',
    },
    { method: 'POST', target: '/dev/token', type: JSON_TYPE, body: chance.pick(BODIES) },
    { method: 'GET', target: chance.pick(['/readyz', '/healthz', '/', '/nothing']), type: '', body: '' },
  ])
}

function oddTarget(chance: Chance): string {
  const odd = [
    'http://[',
    'http://a/items',
    '*',
    '//',
    '/\\',
    'items',
    '/%',
    '/items?%',
    '/%2e%2e/',
    '/#',
    '/items//',
    '',
  ]
  return chance.once(2) ? chance.pick(odd) : `/${chance.bytes(chance.below(40)).toString('latin1')}`
}

function credential(chance: Chance, token: string): string {
  if (!chance.once(6)) return `Authorization: Bearer ${token}`
  const [head = '', payload = '', signature = ''] = token.split('.')
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  const disturbed = disturb(chance, Buffer.from(token))
    .toString('latin1')
    .replaceAll(/[\r\n]/g, '')
  return chance.pick([
    `Authorization: Bearer ${disturbed}`,
    `Authorization: Bearer ${none}.${payload}.`,
    `Authorization: Bearer ${head}.${payload}.`,
    `Authorization: Bearer ${head}.${payload}.${signature}=`,
    `Authorization: Bearer ${'a'.repeat(12_000)}`,
    `Authorization: Bearer ${token}\r\nAuthorization: Bearer ${token}`,
    `Authorization: Basic ${chance.bytes(9).toString('base64')}`,
    `Authorization: DPoP ${token}\r\nDPoP: ${head}.${payload}.${signature}`,
    `Authorization: DPoP ${disturbed}\r\nDPoP: ${none}.${payload}.`,
    `Signature-Input: sig=("@method" "@path");created=${chance.below(2_000_000_000)};keyid="${chance.pick(SEGMENTS).slice(0, 40)}"\r\nSignature: sig=:${chance.bytes(32).toString('base64')}:`,
    `X-API-Key: ${chance.bytes(20).toString('base64')}\r\nAuthorization: Bearer ${token}`,
    `Authorization:`,
    `Authorization: Bearer`,
    `authorization: ${chance
      .bytes(20)
      .toString('latin1')
      .replaceAll(/[\r\n]/g, '')}`,
  ])
}

function key(chance: Chance): string {
  const keys = [
    '"a"',
    'a',
    '"',
    '""',
    '"é"',
    `"${'k'.repeat(300)}"`,
    '"a", "b"',
    '"a";p=1',
    '\\"',
    '?1',
    ':aGk=:',
  ]
  return chance.once(2) ? `"${chance.below(1_000_000)}"` : chance.pick(keys)
}

/** Says how the body ends: mostly rightly. */
function framed(chance: Chance, lines: readonly string[], content: Buffer): Buffer {
  const length = content.byteLength
  const head = (line: string): Buffer => Buffer.from([...lines, line, '', ''].join('\r\n'), 'latin1')
  if (length > 0 && chance.once(8)) {
    const size = chance.once(6) ? chance.pick(['zz', '-1', 'ffffffffffffffffff', '0']) : length.toString(16)
    const end = chance.once(6) ? '' : '\r\n0\r\n\r\n'
    return Buffer.concat([
      head('Transfer-Encoding: chunked'),
      Buffer.from(`${size}\r\n`),
      content,
      Buffer.from(end),
    ])
  }
  const lengths = [
    '-1',
    '0x1',
    '1, 2',
    '99999999999',
    String(length + 1),
    String(Math.max(0, length - 1)),
    '',
  ]
  return Buffer.concat([head(`Content-Length: ${chance.once(30) ? chance.pick(lengths) : length}`), content])
}

/** A few bytes changed, added, lost or repeated. */
function disturb(chance: Chance, bytes: Buffer): Buffer {
  let disturbed = bytes
  for (let times = 1 + chance.below(4); times > 0; times -= 1) {
    const from = chance.below(disturbed.byteLength + 1)
    const to = Math.min(disturbed.byteLength, from + 1 + chance.below(8))
    const before = disturbed.subarray(0, from)
    const middle = chance.pick([
      chance.bytes(1 + chance.below(8)),
      Buffer.alloc(0),
      Buffer.concat([disturbed.subarray(from, to), disturbed.subarray(from, to)]),
      Buffer.from(chance.pick(['\r\n', '\0', '%', '\n', '"', '{', ' ', ':'])),
    ])
    disturbed = Buffer.concat([before, middle, disturbed.subarray(to)])
  }
  return disturbed
}
