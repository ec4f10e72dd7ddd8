import type { Refusal } from '@headgate/core'
import { literalExchange } from '@headgate/core/testing'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { exceedsNesting, type Parameters, readParameters } from '../src/parameters.js'

const LIMITS = { bodyLimit: 1_000, decoded: false }
const MAX_DEPTH = 5
const JSON_TYPE = { 'content-type': 'application/json' }

type Outcome = Parameters | Refusal

function get(search: Record<string, string> | string, method = 'GET'): Promise<Outcome> {
  const query = typeof search === 'string' ? search : new URLSearchParams(search).toString()
  return readParameters(literalExchange({ method, query }), LIMITS)
}

function send(
  body: unknown,
  headers: Record<string, string> = JSON_TYPE,
  limits: Partial<typeof LIMITS> = {},
): Promise<Outcome> {
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return readParameters(literalExchange({ method: 'POST', headers, body: content }), { ...LIMITS, ...limits })
}

function codeOf(outcome: Outcome): string {
  if ('kind' in outcome) return outcome.code
  return exceedsNesting(outcome, MAX_DEPTH)?.code ?? 'well-formed'
}

describe('a request in the query', () => {
  test.each(['GET', 'HEAD'])('%s gives all parameters', async (method) => {
    const search = { query: '{a}', operationName: 'A', variables: '{"b":1}', extensions: '{"c":2}' }
    expect(await get(search, method)).toEqual({
      query: '{a}',
      operationName: 'A',
      variables: { b: 1 },
      extensions: { c: 2 },
    })
  })

  test('an empty parameter is absent, null variables are none', async () => {
    const none = { query: '{a}', operationName: undefined, variables: {}, extensions: {} }
    expect(await get({ query: '{a}', operationName: '', variables: '', extensions: '' })).toEqual(none)
    expect(await get({ query: '{a}', variables: 'null', extensions: 'null' })).toEqual(none)
  })

  test('a parameter sent twice is refused, an unknown one is ignored', async () => {
    expect(codeOf(await get('query={a}&query={b}'))).toBe('graphql-request-malformed')
    expect(codeOf(await get('query={a}&trace=1&trace=2'))).toBe('well-formed')
  })

  test.each([
    ['no query', {}],
    ['an empty query', { query: '' }],
    ['variables that are no JSON', { query: '{a}', variables: '{' }],
    ['variables that are a list', { query: '{a}', variables: '[]' }],
    ['extensions that are a number', { query: '{a}', extensions: '1' }],
  ])('%s is malformed', async (_, search) => {
    expect(codeOf(await get(search as Record<string, string>))).toBe('graphql-request-malformed')
  })
})

describe('a request in the body', () => {
  test.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; profile=x; charset=utf8',
  ])('%s is read', async (type) => {
    expect(codeOf(await send({ query: '{a}' }, { 'content-type': type }))).toBe('well-formed')
  })

  test.each([
    undefined,
    'text/plain',
    'text/plain; application/json',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
  ])('%p is refused before the body is read', async (type) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    const exchange = literalExchange({ method: 'POST', headers, body: '{}' })
    const unread = { ...exchange, body: () => Promise.reject(new Error('read')) }
    expect(codeOf(await readParameters(unread, LIMITS))).toBe('media-type-unsupported')
  })

  test('an encoded body is refused, unless a body parser has decoded it', async () => {
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' }
    expect(codeOf(await send({ query: '{a}' }, headers))).toBe('media-type-unsupported')
    expect(codeOf(await send({ query: '{a}' }, headers, { decoded: true }))).toBe('well-formed')
  })

  test('null is absent, unknown members are ignored', async () => {
    const body = {
      query: '{a}',
      operationName: null,
      variables: null,
      extensions: null,
      id: 1,
      documentId: 'x',
    }
    expect(await send(body)).toEqual({
      query: '{a}',
      operationName: undefined,
      variables: {},
      extensions: {},
    })
  })

  test.each([
    ['nothing', '', 'body-malformed'],
    ['half a JSON text', '{"query":', 'body-malformed'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'body-malformed'],
    ['a list', [{ query: '{a}' }], 'graphql-request-malformed'],
    ['null', 'null', 'graphql-request-malformed'],
    ['a string', '"{a}"', 'graphql-request-malformed'],
    ['no query', {}, 'graphql-request-malformed'],
    ['a query that is a number', { query: 0 }, 'graphql-request-malformed'],
    ['a query from the prototype', '{"__proto__":{"query":"{a}"}}', 'graphql-request-malformed'],
    ['an operation name that is a list', { query: '{a}', operationName: ['A'] }, 'graphql-request-malformed'],
    ['variables that are a string', { query: '{a}', variables: '{}' }, 'graphql-request-malformed'],
    ['extensions that are a list', { query: '{a}', extensions: [] }, 'graphql-request-malformed'],
    ['deep variables', { query: '{a}', variables: { a: [[[[[1]]]]] } }, 'graphql-document-too-complex'],
    ['more than the limit', { query: '#'.repeat(1_000) }, 'body-too-large'],
  ])('%s is refused', async (_, body, code) => {
    expect(codeOf(await send(body))).toBe(code)
  })

  test('a million nested lists are refused, not a crash', async () => {
    const variables = `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`
    const outcome = await send(`{"query":"{a}","variables":${variables}}`, JSON_TYPE, {
      bodyLimit: 1_000_000,
    })
    expect(codeOf(outcome)).toBe('graphql-document-too-complex')
  })

  test('any bytes are a request or a refusal below 500', async () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fc.object().map((o) => JSON.stringify(o)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        const outcome = await send(body)
        if ('kind' in outcome) expect(outcome.status).toBeLessThan(500)
      }),
    )
  })
})

test.each(['PUT', 'DELETE', 'OPTIONS', 'QUERY'])('%s is not offered', async (method) => {
  const outcome = await readParameters(literalExchange({ method }), LIMITS)
  expect(outcome).toMatchObject({ code: 'method-not-allowed', headers: { allow: 'GET, HEAD, POST' } })
})
