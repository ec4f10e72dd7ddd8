import { afterEach, describe, expect, test } from '@jest/globals'
import { type Channel, createOperation, type Exchange, gate, keyOf } from '@headgate/core'
import { graphql } from '../src/graphql.js'
import { inventory } from './inventory.js'
import { gateway, KEYS, policies, RULES } from './real-gateway.js'
import { post, start, stopAll } from './server.js'

afterEach(stopAll)

const ITEM = '{ item(id: 1) { name } }'
const ITEMS = '{ items { name } }'
const CREATE = 'mutation { createItem(input: { name: "Desk" }) { name } }'

/** What the cache did, of its `Cache-Status`. */
function cacheStatus(response: Response): string {
  return response.headers.get('cache-status') ?? 'none'
}

async function isHit(answer: Promise<Response>): Promise<boolean> {
  return cacheStatus(await answer).includes('hit')
}

describe('is it known', () => {
  test('equal queries share an entry in every layout, and each caller has one', async () => {
    const { ask } = await gateway()
    expect(await isHit(ask(ITEM))).toBe(false)
    expect(await isHit(ask(ITEM))).toBe(true)
    expect(await isHit(ask(ITEM.replaceAll(' ', '\n')))).toBe(true)
    expect(await isHit(ask(ITEM, {}, 'reader'))).toBe(false)
    expect(await isHit(ask('{ item(id: 2) { name } }'))).toBe(false)
  })

  test('the two media types are not mixed up', async () => {
    const { ask } = await gateway()
    await ask(ITEM, { accept: 'application/json' })
    const other = await ask(ITEM, { accept: 'application/graphql-response+json' })
    expect(other.headers.get('content-type')).toContain('application/graphql-response+json')
  })

  test('an answer shows nothing of what was added to find its tags', async () => {
    const { ask } = await gateway()
    for (const answer of [
      await ask('{ items { name } search { __typename } }', { 'cache-control': 'no-cache' }),
      await ask(ITEM),
    ]) {
      expect(await answer.text()).not.toContain('headgate')
    }
  })

  test.each([
    ['an entity it shows', ITEM, 'mutation { renameItem(id: 1, name: "Torch") { name } }', true],
    [
      'an entity it does not show',
      '{ item(id: 2) { name } }',
      'mutation { renameItem(id: 1, name: "Torch") { name } }',
      false,
    ],
    ['a list by a declared tag', ITEMS, CREATE, true],
    ['an empty list', '{ items(first: 0) { name } }', CREATE, true],
    ['something that was not there', '{ item(id: 3) { name } }', CREATE, true],
    ['a list, by a mutation that answers a boolean', ITEMS, 'mutation { removeItem(id: "2") }', true],
  ])('a mutation forgets %s', async (_, query, mutation, forgotten) => {
    const { ask } = await gateway()
    await ask(query)
    expect(await isHit(ask(query))).toBe(true)
    expect((await ask(mutation, { 'idempotency-key': 'k' })).status).toBe(200)
    expect(await isHit(ask(query))).toBe(!forgotten)
  })

  test.each(['fail', 'failSoftly'])('a mutation that failed forgets nothing: %s', async (field) => {
    const rules = { ...RULES, [`Mutation.${field}`]: { invalidates: () => ['Item:1'] } }
    const { ask } = await gateway({ rules })
    await ask(ITEM)
    expect(await (await ask(`mutation { ${field} { id } }`)).json()).toMatchObject({
      errors: [{ path: [field] }],
    })
    expect(await isHit(ask(ITEM))).toBe(true)
  })

  test('a mutation that answers null without an error did its work', async () => {
    const seen: unknown[] = []
    const invalidates = (_: unknown, result: unknown): readonly string[] => {
      seen.push(result)
      return ['Item:1']
    }
    const { ask } = await gateway({ rules: { ...RULES, 'Mutation.renameItem': { invalidates } } })
    await ask(ITEM)
    await ask('mutation { renameItem(id: 99, name: "x") { id } }')
    expect(seen).toEqual([null])
    expect(await isHit(ask(ITEM))).toBe(false)
  })

  test('a mutation whose answer got lost forgets what it may have changed', async () => {
    const { ask, calls } = await gateway()
    await ask(ITEMS)
    const lost = 'mutation { renameItem(id: 1, name: "Torch") { id } fail { id } }'
    expect(await (await ask(lost)).json()).toMatchObject({ data: null })
    expect(calls).toEqual(['renameItem', 'fail'])
    expect(await isHit(ask(ITEMS))).toBe(false)
  })

  test('invalidates that throws is reported, and the lists of the type are forgotten', async () => {
    const rule = {
      invalidates: () => {
        throw new Error('no such tag')
      },
    }
    const { ask, errors } = await gateway({ rules: { ...RULES, 'Mutation.renameItem': rule } })
    await ask('{ items(first: 0) { name } }')
    expect((await ask('mutation { renameItem(id: 1, name: "Torch") { name } }')).status).toBe(200)
    expect(errors).toMatchObject([{ message: 'no such tag' }])
    expect(await isHit(ask('{ items(first: 0) { name } }'))).toBe(false)
  })

  test('invalidates sees arguments with their defaults and the key under its own name', async () => {
    const seen: unknown[] = []
    const rule = {
      idempotency: 'off',
      invalidates: (args: unknown, result: unknown) => {
        seen.push([args, result])
        return []
      },
    } as const
    const { ask } = await gateway({ rules: { 'Mutation.createItem': rule } })
    await ask('mutation ($n: String!) { a: createItem(input: { name: $n }) { title: name } }', {}, 'writer', {
      n: 'x',
    })
    await ask('mutation { createItem(input: { name: "y" }) { key: id } }')
    expect(seen).toEqual([
      [{ input: { name: 'x', price: 1 } }, expect.objectContaining({ id: '3', title: 'x' })],
      [{ input: { name: 'y', price: 1 } }, { id: '4', key: '4' }],
    ])
  })

  test('answers with errors are not kept', async () => {
    const { ask } = await gateway({ rules: { 'Query.broken': { cache: { ttl: '1m' } } } })
    await ask('{ broken }')
    expect(await isHit(ask('{ broken }'))).toBe(false)
  })

  test('introspection and queries without a rule are not kept', async () => {
    const { ask } = await gateway()
    for (const query of ['{ __schema { queryType { name } } }', '{ viewer { id } }']) {
      const response = await ask(query)
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await isHit(ask(query))).toBe(false)
    }
  })

  test('a public answer that was made for one caller is kept for nobody', async () => {
    const { url, ask } = await gateway()
    expect(await (await ask('{ whoami }', {}, 'writer')).json()).toEqual({ data: { whoami: 'writer' } })
    expect(await (await ask('{ whoami }', {}, 'reader')).json()).toEqual({ data: { whoami: 'reader' } })
    await post(`${url}/graphql`, { query: '{ search { __typename } }' })
    expect(await isHit(ask('{ search { __typename } }'))).toBe(true)
  })

  test.each([
    ['the address', (exchange: Exchange) => exchange.address, true],
    ['a field nobody declared', (exchange: Exchange) => exchange.header('accept-language'), true],
    ['its lines', (exchange: Exchange) => exchange.lines('cookie'), true],
    ['the query of the URL', (exchange: Exchange) => exchange.query, true],
    ['the content', (exchange: Exchange) => void exchange.body(1_000), true],
    ['a trace', (exchange: Exchange) => exchange.header('traceparent'), false],
    ['the method', (exchange: Exchange) => exchange.method, false],
  ])('a public answer made with %s', async (_, look, personal) => {
    const { ask } = await gateway({ context: (exchange) => ({ seen: look(exchange) }) })
    await ask('{ search { __typename } }')
    expect(await isHit(ask('{ search { __typename } }'))).toBe(!personal)
  })

  test('If-None-Match is answered with 304 for a GET, and for authenticated callers only', async () => {
    const { url } = await gateway()
    const target = `${url}/graphql?query=${encodeURIComponent(ITEM)}`
    const headers = { 'x-api-key': KEYS.writer }
    const etag = (await fetch(target, { headers })).headers.get('etag')!
    expect((await fetch(target, { headers: { ...headers, 'if-none-match': etag } })).status).toBe(304)
    expect((await fetch(target, { headers: { 'if-none-match': etag } })).status).toBe(401)
  })
})

test('a write of another protocol forgets the GraphQL answers it changed, and the reverse', async () => {
  const { schema, rootValue, items } = inventory()
  const rest: Channel = {
    name: 'rest',
    accepts: (ctx) => ctx.path.startsWith('/items/'),
    describe: ({ method, path }) =>
      createOperation({
        protocol: 'rest',
        name: `${method} /items/:id`,
        effect: method === 'GET' ? 'read' : 'write',
        cache: { ttl: '1m' },
        fingerprint: () => keyOf(path),
        tags: () => [`Item:${path.slice(7)}`],
        invalidates: () => [`Item:${path.slice(7)}`],
      }),
    handle(ctx) {
      const item = items.get(ctx.path.slice(7))!
      if (ctx.method !== 'GET') item.name = 'Changed'
      ctx.body = { name: item.name }
      return Promise.resolve()
    },
  }
  const channels = [rest, graphql({ schema, rootValue, rules: RULES })]
  const { url } = await start(gate(policies(), { channels }))
  const headers = { 'x-api-key': KEYS.writer }
  const query = () => post(`${url}/graphql`, { query: ITEM }, headers)
  const resource = () => fetch(`${url}/items/1`, { headers })

  await Promise.all([query(), resource()])
  expect([await isHit(query()), await isHit(resource())]).toEqual([true, true])
  await fetch(`${url}/items/1`, { method: 'PATCH', headers })
  expect(await (await query()).json()).toEqual({ data: { item: { name: 'Changed' } } })
  await resource()
  await post(`${url}/graphql`, { query: 'mutation { renameItem(id: 1, name: "Torch") { name } }' }, headers)
  expect(await (await resource()).json()).toEqual({ name: 'Torch' })
})
