import { afterEach, describe, expect, test } from '@jest/globals'
import { createIdentity, gate } from '@headgate/core'
import { buildSchema } from 'graphql'
import { graphqlGateway } from '../src/gateway.js'
import { graphql } from '../src/graphql.js'
import { inventory } from './inventory.js'
import { KEYS, gateway } from './real-gateway.js'
import { post, start, stopAll } from './server.js'

afterEach(stopAll)

const CREATE = 'mutation { createItem(input: { name: "Desk" }) { name } }'
const ITEM = '{ item(id: 1) { name } }'

describe('who may ask', () => {
  test('nobody without a credential, whatever they send', async () => {
    const { url, calls } = await gateway()
    for (const body of [{ query: ITEM }, { query: CREATE }, { query: '{' }, '{', {}]) {
      const response = await post(`${url}/graphql`, body)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('ApiKey')
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'CREDENTIALS_MISSING' } }],
      })
    }
    expect(calls).toEqual([])
  })

  test('anybody where every field says so', async () => {
    const { url } = await gateway()
    expect((await post(`${url}/graphql`, { query: '{ whoami }' })).status).toBe(200)
    expect((await post(`${url}/graphql`, { query: '{ whoami items { id } }' })).status).toBe(401)
  })

  test('a scope that is lacking is 403 before anything runs, also under an alias or in a fragment', async () => {
    const { ask, calls } = await gateway()
    const hidden = 'mutation { ...F } fragment F on Mutation { a: createItem(input: { name: "x" }) { id } }'
    for (const query of [CREATE, hidden]) {
      const response = await ask(query, { 'idempotency-key': 'k' }, 'reader')
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'SCOPE_INSUFFICIENT' } }],
      })
    }
    expect(calls).toEqual([])
  })

  test('scopes hold where the caller is known from elsewhere, too', async () => {
    const { schema, rootValue, calls } = inventory()
    const channels = [
      graphql({ schema, rootValue, rules: { 'Mutation.createItem': { scopes: ['items:write'] } } }),
    ]
    const reader = createIdentity({ scheme: 'outer', subject: 'reader', scopes: ['items:read'] })
    for (const [identity, status] of [
      [undefined, 401],
      [reader, 403],
    ] as const) {
      const { url } = await start(gate([], { channels, identity: () => identity }))
      expect((await post(`${url}/graphql`, { query: CREATE })).status).toBe(status)
    }
    expect(calls).toEqual([])
    expect(() => gate([], { channels })).toThrow("'Mutation.createItem' demands")
  })
})

/** What is left of the budget, of the RateLimit field. */
async function remaining(answer: Promise<Response>): Promise<number> {
  return Number(/r=(\d+)/.exec((await answer).headers.get('ratelimit') ?? '')?.[1])
}

describe('how much', () => {
  test('each alias is charged, and what can not run is charged too', async () => {
    const { ask } = await gateway()
    const before = await remaining(ask('{ viewer { id } }'))
    expect(before - (await remaining(ask('{ a: items { id } b: items { id } }')))).toBe(4)
    expect(before - (await remaining(ask('{ nothing }')))).toBe(5)
  })

  test('beyond the budget it is 429 in the shape of GraphQL', async () => {
    const { ask } = await gateway()
    const aliases = Array.from({ length: 31 }, (_, number) => `a${number}: items { id }`)
    expect((await ask(`{ ${aliases.slice(0, 30).join(' ')} }`)).status).toBe(200)
    const response = await ask('{ viewer { id } }')
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'QUOTA_EXCEEDED' } }] })
    expect((await ask(`{ ${aliases.join(' ')} }`)).status).toBe(400) // dearer than the whole budget
  })
})

describe('was it done before', () => {
  test('a mutation under one key runs once, in whatever layout it is sent again', async () => {
    const { ask, calls } = await gateway()
    const key = { 'idempotency-key': 'order-1' }
    const first = await ask(CREATE, key)
    const again = await ask(`# retry\n${CREATE.replaceAll(' ', '\n')}`, key)
    expect([first.status, again.status]).toEqual([200, 200])
    expect(await again.text()).toBe(await first.text())
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(calls).toEqual(['createItem'])
  })

  test('a last slash of the endpoint makes no second request of it', async () => {
    const { url, calls } = await gateway()
    const headers = { 'x-api-key': KEYS.writer, 'idempotency-key': 'order-1' }
    const answers = await Promise.all(
      ['/graphql', '/graphql/'].map((path) => post(`${url}${path}`, { query: CREATE }, headers)),
    )
    for (const { status } of answers) expect([200, 409]).toContain(status) // replayed, or still in flight
    expect(calls).toEqual(['createItem'])
  })

  test('the same key for another mutation is refused, a missing one too', async () => {
    const { ask, calls } = await gateway()
    const key = { 'idempotency-key': 'order-1' }
    await ask(CREATE, key)
    expect((await ask(CREATE.replace('Desk', 'Shelf'), key)).status).toBe(422)
    expect((await ask(CREATE.replace(/^mutation[^{(]*/, 'mutation Other '), key)).status).toBe(422)
    expect((await ask(CREATE)).status).toBe(400)
    expect(calls).toEqual(['createItem'])
  })

  test('a request that can not run leaves its key free', async () => {
    const { ask, calls } = await gateway()
    const key = { 'idempotency-key': 'order-2' }
    const query = 'mutation ($name: String!) { createItem(input: { name: $name }) { name } }'
    expect(await (await ask(query, key, 'writer', {})).json()).toMatchObject({ errors: [{}] })
    expect(await (await ask(query, key, 'writer', { name: 'Desk' })).json()).toEqual({
      data: { createItem: { name: 'Desk' } },
    })
    expect(calls).toEqual(['createItem'])
  })
})

test('other channels are for gate(): here they are refused, not dropped', () => {
  const options = { policies: [], schema: buildSchema('type Query { a: Int }'), channels: [] }
  expect(() => graphqlGateway(options)).toThrow('graphqlGateway: for more channels')
})
