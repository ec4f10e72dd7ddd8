import { afterEach, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { rawRequest } from '../../../test-support/http.js'
import { endpoint, read } from './endpoint.js'
import { passing, post, stopAll } from './server.js'

afterEach(stopAll)

const GRAPHQL = 'application/graphql-response+json'
const JSON_TYPE = 'application/json'

describe('statuses and media types', () => {
  test.each([
    ['a complete answer', { query: '{ whoami }' }, 200, 200, undefined],
    ['data and errors', { query: '{ whoami broken }' }, 200, 200, 'INTERNAL_SERVER_ERROR'],
    ['data that is null', { query: '{ strict }' }, 200, 200, 'INTERNAL_SERVER_ERROR'],
    ['a text that does not parse', { query: '{' }, 400, 200, 'GRAPHQL_PARSE_FAILED'],
    ['an invalid document', { query: '{ nothing }' }, 400, 200, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an unknown operation',
      { query: 'query A { whoami }', operationName: 'B' },
      400,
      200,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['a subscription', { query: 'subscription { ticks }' }, 400, 200, 'OPERATION_RESOLUTION_FAILURE'],
    [
      'variables that do not fit',
      { query: 'query ($id: ID!) { item(id: $id) { id } }', variables: { id: { a: 1 } } },
      400,
      200,
      'BAD_USER_INPUT',
    ],
    [
      'a document over a limit',
      { query: `{ search(raw: ${'['.repeat(99)}${']'.repeat(99)}) { __typename } }` },
      400,
      400,
      'GRAPHQL_DOCUMENT_TOO_COMPLEX',
    ],
    ['no query', {}, 400, 400, 'GRAPHQL_REQUEST_MALFORMED'],
    ['no JSON', '{', 400, 400, 'BODY_MALFORMED'],
  ])('%s', async (_, request, graphqlStatus, jsonStatus, code) => {
    const { url } = await endpoint()
    for (const [accept, status] of [
      [GRAPHQL, graphqlStatus],
      [JSON_TYPE, jsonStatus],
    ] as const) {
      const response = await post(url, request, { accept })
      const body = await read(response)
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`)
      expect(body.errors?.[0]?.extensions.code).toBe(code)
      if (body.data === undefined) expect('data' in body).toBe(false)
      expect(response.headers.get('cache-control')).toBe('no-store')
    }
  })

  test('an error in a document says where', async () => {
    const { url } = await endpoint()
    const body = await read(await post(url, { query: '{ nothing }' }))
    expect(body).toEqual({
      errors: [
        {
          message: 'Cannot query field "nothing" on type "Query".',
          locations: [{ line: 1, column: 3 }],
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        },
      ],
    })
  })

  test('no acceptable media type is 406, told in JSON', async () => {
    const { url } = await endpoint()
    const response = await post(url, { query: '{ whoami }' }, { accept: 'text/html' })
    expect(response.status).toBe(406)
    expect((await read(response)).errors?.[0]?.extensions.code).toBe('NOT_ACCEPTABLE')
  })

  test('the answer says that it depends on Accept', async () => {
    const { url } = await endpoint()
    const response = await post(url, { query: '{ whoami }' })
    expect(response.headers.get('vary')).toBe('Accept')
  })

  test('a body over the limit is 413, announced or not', async () => {
    const { url, port } = await endpoint({ bodyLimit: 100 })
    expect((await post(url, { query: `{ whoami } #${'x'.repeat(100)}` })).status).toBe(413)
    const chunk = `${(200).toString(16)}\r\n${'x'.repeat(200)}\r\n0\r\n\r\n`
    const head =
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked'
    expect(await rawRequest(port, `${head}\r\n\r\n${chunk}`)).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('HEAD answers like GET, without content', async () => {
    const { url } = await endpoint()
    const target = `${url}?query=${encodeURIComponent('{ items { name } }')}`
    const [got, head] = await Promise.all([fetch(target), fetch(target, { method: 'HEAD' })])
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(got.headers.get('content-length'))
    expect(await head.text()).toBe('')
  })

  test('other methods are 405 with the ones that are offered', async () => {
    const { url } = await endpoint()
    const response = await fetch(url, { method: 'DELETE' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })
})

describe('mutations', () => {
  const MUTATION = 'mutation { signIn(name: "x") }'

  test.each(['GET', 'HEAD'])('never run by %s', async (method) => {
    const { url, calls } = await endpoint()
    const conditional = { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() }
    for (const headers of [{}, conditional]) {
      const response = await fetch(`${url}?query=${encodeURIComponent(MUTATION)}`, { method, headers })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    }
    expect(calls).toEqual([])
  })

  test('a query beside them in the document does not let them through', async () => {
    const { url, calls } = await endpoint()
    const query = encodeURIComponent(`query A { whoami } mutation B { signIn(name: "x") }`)
    expect((await fetch(`${url}?query=${query}&operationName=A`)).status).toBe(200)
    expect((await fetch(`${url}?query=${query}&operationName=B`)).status).toBe(405)
    expect((await fetch(`${url}?query=${query}`)).status).toBe(200) // JSON: a GraphQL error
    expect(calls).toEqual([])
  })

  test('a conditional header does not keep one from running', async () => {
    const { url, calls } = await endpoint()
    const first = await post(url, { query: MUTATION })
    const etag = first.headers.get('etag') ?? '"x"'
    for (const header of ['if-none-match', 'if-match']) {
      expect((await post(url, { query: MUTATION }, { [header]: etag })).status).toBe(200)
      expect((await post(url, { query: MUTATION }, { [header]: '*' })).status).toBe(200)
    }
    expect(calls).toHaveLength(5)
  })
})

describe('where the endpoint is', () => {
  test.each([
    ['/graphql', '/graphql', 200],
    ['/graphql', '/graphql/', 200],
    ['/graphql', '/graphql/more', 404],
    ['/graphql', '/GraphQL', 404],
    ['/api/query', '/api/query', 200],
    ['/', '/', 200],
  ])('path %s, request to %s', async (path, target, status) => {
    const { port } = await endpoint({ path })
    expect((await post(`http://127.0.0.1:${port}${target}`, { query: '{ whoami }' })).status).toBe(status)
  })
})

test('no bytes give a 5xx or an error in the log', async () => {
  const { url, errors } = await endpoint({}, [passing('rate-limit')])
  const texts = fc.constantFrom(
    '{',
    '{whoami}',
    '{items(first:1e9){id}}',
    'query($a:Json){search(raw:$a){__typename}}',
    '\0',
  )
  const request = fc.record(
    { query: fc.oneof(texts, fc.string()), variables: fc.jsonValue(), operationName: fc.jsonValue() },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        request.map((value) => JSON.stringify(value)),
        fc.string(),
      ),
      async (body) => {
        const response = await post(url, body, { accept: GRAPHQL })
        const { data } = await read(response)
        expect(response.status).toBeLessThan(500)
        expect(response.ok).toBe(data !== undefined)
      },
    ),
    { numRuns: 150 },
  )
  expect(errors).toEqual([])
})
