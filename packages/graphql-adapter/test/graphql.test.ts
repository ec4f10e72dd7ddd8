import { afterEach, describe, expect, test } from '@jest/globals'
import { createIdentity, gate, type Policy, refuse } from '@headgate/core'
import fc from 'fast-check'
import { graphql } from '../src/graphql.js'
import type { GraphqlOptions } from '../src/options.js'
import { rawRequest } from '../../../test-support/http.js'
import { inventory, type Loaders } from './inventory.js'
import { passing, post, start, stopAll } from './server.js'

afterEach(stopAll)

const GRAPHQL = 'application/graphql-response+json'
const JSON_TYPE = 'application/json'

async function endpoint(options: Partial<GraphqlOptions<Loaders>> = {}, policies: readonly Policy[] = []) {
  const { schema, rootValue, loaders, ...stock } = inventory()
  const channel = graphql({ schema, rootValue, loaders, ...options })
  const server = await start(gate(policies, { channels: [channel] }))
  return { ...server, ...stock, url: `${server.url}/graphql`, schema }
}

interface Body {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[]
}

async function read(response: Response): Promise<Body> {
  return (await response.json()) as Body
}

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

describe('what the policies are told', () => {
  async function described(request: unknown, method = 'POST') {
    let operation: Parameters<Policy['handle']>[0]['operation'] | undefined
    const spy: Policy = {
      name: 'spy',
      handle(exchange) {
        operation = exchange.operation
        return Promise.resolve(
          refuse('quota-exceeded', { headers: { 'retry-after': '7' }, members: { limit: 5 } }),
        )
      },
    }
    const { url } = await endpoint({}, [spy])
    const response = await (method === 'POST'
      ? post(url, request, { accept: GRAPHQL })
      : fetch(url, { method }))
    return { operation: operation!, response }
  }

  test.each([
    [{ query: 'query GetItem { item(id: 1) { id } }' }, 'query GetItem', 'read', 'off'],
    [{ query: 'mutation Add { signIn(name: "x") }' }, 'mutation Add', 'write', 'optional'],
    [{ query: 'query A { whoami } query B { viewer { id } }', operationName: 'B' }, 'query B', 'read', 'off'],
    [{ query: 'query Q($id: ID!) { item(id: $id) { id } }' }, 'query Q', 'read', 'off'],
    [{ query: '{ nothing }' }, '(malformed)', 'write', 'off'],
    ['{', '(malformed)', 'write', 'off'],
  ])('%j is %s', async (request, name, effect, idempotency) => {
    const { operation } = await described(request)
    expect(operation).toMatchObject({ protocol: 'graphql', name, effect, idempotency, cost: 1 })
  })

  test('an anonymous operation is named by its content', async () => {
    const { operation } = await described({ query: '{ whoami }' })
    const { operation: same } = await described({ query: '{\n  whoami\n}' })
    expect(operation.name).toMatch(/^query \(anonymous [\w-]{8}\)$/)
    expect(same.name).toBe(operation.name)
  })

  test('what can not run is still gated: a refusal of a policy comes first', async () => {
    for (const request of ['{', {}, { query: '{ nothing }' }, { query: '{ whoami }', variables: [] }]) {
      expect((await described(request)).response.status).toBe(429)
    }
    expect((await described(undefined, 'DELETE')).response.status).toBe(429)
  })

  test('a refusal arrives as a GraphQL error with its status, fields and members', async () => {
    const { response } = await described({ query: '{ whoami }' })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('content-type')).toBe(`${GRAPHQL}; charset=utf-8`)
    expect(await response.json()).toEqual({
      errors: [{ message: 'A quota is exceeded.', extensions: { code: 'QUOTA_EXCEEDED', limit: 5 } }],
    })
  })

  test('equal meaning gives an equal fingerprint, another operation or identity of variables another', async () => {
    const query = 'query A($id: ID!, $first: Int = 10) { item(id: $id) { id } items(first: $first) { id } }'
    const fingerprint = async (request: unknown) => (await described(request)).operation.fingerprint()
    const first = await fingerprint({ query, variables: { id: '1', first: 10 } })
    expect(
      await fingerprint({ variables: { first: 10, id: 1 }, query: `# again\n${query}`, extensions: {} }),
    ).toBe(first)
    expect(await fingerprint({ query, variables: { id: '1' } })).toBe(first)
    expect(await fingerprint({ query, variables: { id: '1', first: null } })).not.toBe(first)
    expect(await fingerprint({ query, variables: { id: '2' } })).not.toBe(first)
    expect(
      await fingerprint({ query: query.replace('query A', 'query B'), variables: { id: '1' } }),
    ).not.toBe(first)
  })
})

describe('errors of resolvers', () => {
  test('an unexpected one loses its text on the way to the client and reaches the service', async () => {
    const { url, errors } = await endpoint()
    const text = await (await post(url, { query: '{ broken }' })).text()
    expect(text).not.toContain('ECONNREFUSED')
    expect(JSON.parse(text)).toMatchObject({
      data: { broken: null },
      errors: [{ message: 'Internal server error', path: ['broken'] }],
    })
    expect(errors).toMatchObject([{ message: 'connect ECONNREFUSED db.internal:5432' }])
  })

  test('an exposed one and a GraphQLError keep theirs', async () => {
    const { url, errors } = await endpoint()
    expect((await read(await post(url, { query: '{ exposed }' }))).errors?.[0]?.message).toBe('Not for you')
    expect(errors).toEqual([])
  })

  test('formatError decides instead', async () => {
    const { url } = await endpoint({ formatError: ({ path }) => ({ message: `at ${path?.join('.')}` }) })
    expect((await read(await post(url, { query: '{ broken }' }))).errors).toEqual([{ message: 'at broken' }])
  })
})

describe('the context of resolvers', () => {
  test('loaders are made once for a request and never for two', async () => {
    const stock = inventory()
    const made: object[] = []
    const loaders = (): Loaders => {
      const set = stock.loaders()
      made.push(set)
      return set
    }
    const server = await endpoint({ loaders, rootValue: stock.rootValue })
    const query =
      '{ a: user(id: "u1") { ...F } b: user(id: "u2") { ...F } } fragment F on User { orders { lines { item { name } } } }'
    await Promise.all([post(server.url, { query }), post(server.url, { query })])
    expect(new Set(made).size).toBe(2)
    expect(stock.batches).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
    await post(server.url, { query: '{ whoami }' })
    expect(made).toHaveLength(2)
  })

  test('context adds members, beside the caller and the signal', async () => {
    const identity = createIdentity({ scheme: 'test', subject: 'u2' })
    const known: Policy = {
      name: 'known',
      stage: 'authenticate',
      handle(exchange, next) {
        exchange.identity = identity
        return next()
      },
    }
    const { schema } = inventory()
    const rootValue = {
      whoami: (_: object, { identity: who, tenant, signal }: Record<string, never>) =>
        JSON.stringify([(who as { subject: string }).subject, tenant, (signal as AbortSignal).aborted]),
    }
    const context = (_: unknown, ctx: { get(name: string): string }) => ({ tenant: ctx.get('x-tenant') })
    const { url } = await endpoint({ schema, rootValue, context }, [known])
    const body = await read(await post(url, { query: '{ whoami }' }, { 'x-tenant': 't1' }))
    expect(body.data).toEqual({ whoami: '["u2","t1",false]' })
  })

  test('context may not replace what the gate says of the caller', async () => {
    const { url, errors } = await endpoint({ context: () => ({ identity: { subject: 'admin' } }) })
    expect((await post(url, { query: '{ whoami }' })).status).toBe(500)
    expect(errors).toMatchObject([{ message: "graphql: context may not set 'identity'; the gate does" }])
  })

  test('what context says with ctx.throw is a GraphQL answer', async () => {
    const { url } = await endpoint({ context: (_, ctx) => ctx.throw(403, 'No tenant') })
    const response = await post(url, { query: '{ whoami }' })
    expect(response.status).toBe(403)
    expect((await read(response)).errors).toEqual([
      { message: 'No tenant', extensions: { code: 'FORBIDDEN' } },
    ])
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
