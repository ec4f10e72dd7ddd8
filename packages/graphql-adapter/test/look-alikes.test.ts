import { afterEach, describe, expect, test } from '@jest/globals'
import {
  cache,
  createIdentity,
  gate,
  idempotency,
  memoryCacheStore,
  memoryIdempotencyStore,
} from '@headgate/core'
import { buildSchema } from 'graphql'
import type { GraphqlContext } from '../src/context.js'
import { graphql } from '../src/index.js'
import { post, start, stopAll } from './server.js'

afterEach(stopAll)

/** As a number of JavaScript it is the one below it. */
const LONG = '9007199254740993'
const BELOW = '9007199254740992'

const PAY = `mutation ($to: ID = ${LONG}) { pay(to: $to) }`
const ITEM = `query ($id: ID = ${LONG}) { item(id: $id) }`
const SEARCH = 'query ($most: Json) { search(most: $most) }'
const EVERYBODYS = { cache: { ttl: '1m', public: true } } as const

/** A service whose answers say what it was asked, and serve everybody. */
async function open() {
  const paid: string[] = []
  const channel = graphql({
    schema: buildSchema(`
      scalar Json
      type Query { item(id: ID): String search(most: Json): String language: String }
      type Mutation { pay(to: ID): String }
    `),
    rootValue: {
      item: ({ id }: { id: string }) => id,
      search: ({ most }: { most: unknown }) => String(most),
      language: (_: object, { exchange }: GraphqlContext) => new URLSearchParams(exchange.query).get('lang'),
      pay: ({ to }: { to: string }) => {
        paid.push(to)
        return to
      },
    },
    rules: { 'Query.item': EVERYBODYS, 'Query.search': EVERYBODYS, 'Query.language': EVERYBODYS },
  })
  const policies = [idempotency({ store: memoryIdempotencyStore() }), cache({ store: memoryCacheStore() })]
  const ann = createIdentity({ scheme: 'test', subject: 'ann' })
  const { url } = await start(gate(policies, { channels: [channel], identity: () => ann }))
  const ask = async (request: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const response = await post(`${url}/graphql`, request, headers)
    const { data } = (await response.json()) as { data?: unknown }
    return { status: response.status, data }
  }
  return { url: `${url}/graphql`, ask, paid }
}

describe('requests that are almost the same', () => {
  test('a default ID and its neighbour have an answer each', async () => {
    const { ask } = await open()
    expect((await ask({ query: ITEM })).data).toEqual({ item: LONG })
    expect((await ask({ query: ITEM, variables: { id: BELOW } })).data).toEqual({ item: BELOW })
  })

  test('a key that paid one account is refused for its neighbour', async () => {
    const { ask, paid } = await open()
    const key = { 'idempotency-key': 'payment-1' }
    expect((await ask({ query: PAY }, key)).data).toEqual({ pay: LONG })
    expect((await ask({ query: PAY, variables: { to: BELOW } }, key)).status).toBe(422)
    expect((await ask({ query: PAY, variables: { to: LONG } }, key)).data).toEqual({ pay: LONG })
    expect(paid).toEqual([LONG])
  })

  test('a number that is too large and none have an answer each', async () => {
    const { ask } = await open()
    const large = JSON.stringify({ query: SEARCH, variables: { most: 0 } }).replace(':0}', ':1e400}')
    expect((await ask(large)).data).toEqual({ search: 'Infinity' })
    expect((await ask({ query: SEARCH, variables: { most: null } })).data).toEqual({ search: 'null' })
  })

  test('what a parameter of the URL decides is kept for nobody', async () => {
    const { url, ask } = await open()
    const query = '{ language }'
    const search = new URLSearchParams({ query, lang: 'xx' })
    expect(await (await fetch(`${url}?${search}`)).json()).toEqual({ data: { language: 'xx' } })
    expect((await ask({ query })).data).toEqual({ language: null })
  })
})
