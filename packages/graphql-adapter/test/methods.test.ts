import { afterEach, describe, expect, test } from '@jest/globals'
import { gateway, KEYS } from './real-gateway.js'
import { post, stopAll } from './server.js'

afterEach(stopAll)

const QUERY = 'query Item($id: ID!) { item(id: $id) { name } }'

interface Request {
  readonly query?: string
  readonly operationName?: string
  readonly variables?: object
}

/** Sends requests by any method, as one caller or another. */
async function open() {
  const { url } = await gateway()
  const send = (
    method: 'GET' | 'HEAD' | 'POST',
    { query = QUERY, operationName, variables = { id: 1 } }: Request = {},
    { key = 'writer', ...more }: { readonly key?: keyof typeof KEYS; readonly [name: string]: string } = {},
  ): Promise<Response> => {
    const headers = { 'x-api-key': KEYS[key], accept: 'application/json', ...more }
    if (method === 'POST') return post(`${url}/graphql`, { query, operationName, variables }, headers)
    const search = new URLSearchParams({ query, variables: JSON.stringify(variables) })
    if (operationName !== undefined) search.set('operationName', operationName)
    return fetch(`${url}/graphql?${search}`, { method, headers })
  }
  const isHit = async (...request: Parameters<typeof send>) =>
    (await send(...request)).headers.get('cache-status')?.includes('hit') === true
  return { send, isHit }
}

describe('one stored answer serves a query by every method', () => {
  test.each([
    ['POST', 'GET'],
    ['GET', 'POST'],
  ] as const)('by %s, and then by %s', async (first, second) => {
    const { send, isHit } = await open()
    const made = await send(first)
    const served = await send(second)
    expect(served.headers.get('cache-status')).toContain('hit')
    expect(await served.text()).toBe(await made.text())
    expect(served.headers.get('etag')).toBe(made.headers.get('etag'))
    expect(await isHit('HEAD')).toBe(true)
    expect((await send('HEAD')).headers.get('content-length')).toBe(made.headers.get('content-length'))
  })

  test('its entity tag is good for a 304 by GET, whoever filled it, and for none by POST', async () => {
    const { send } = await open()
    const etag = (await send('POST')).headers.get('etag')!
    expect(etag).toMatch(/^".+"$/)
    const condition = { 'if-none-match': etag }
    expect((await send('GET', {}, condition)).status).toBe(304)
    const again = await send('POST', {}, condition)
    expect([again.status, await again.json()]).toEqual([200, { data: { item: { name: 'Lamp' } } }])
  })

  test('a mutation forgets it for all of them', async () => {
    const { send, isHit } = await open()
    await send('POST')
    await send('POST', { query: 'mutation { renameItem(id: 1, name: "Torch") { name } }', variables: {} })
    const fresh = await send('GET')
    expect(await fresh.json()).toEqual({ data: { item: { name: 'Torch' } } })
    expect(await isHit('POST')).toBe(true)
  })

  test.each([
    ['other variables', { variables: { id: 2 } }, {}],
    ['another operation', { query: QUERY.replace('Item', 'Other') }, {}],
    ['another field', { query: QUERY.replace('name', 'price') }, {}],
    ['another of the same document', { query: `${QUERY} query B { items { id } }`, operationName: 'B' }, {}],
    ['another caller', {}, { key: 'reader' }],
    ['another media type', {}, { accept: 'application/graphql-response+json' }],
  ] as const)('never %s', async (_, request, more) => {
    const { send, isHit } = await open()
    await send('POST')
    expect(await isHit('GET', request, more)).toBe(false)
    expect(await isHit('GET')).toBe(true)
  })
})
