import { afterEach, describe, expect, test } from '@jest/globals'
import { gate } from '@headgate/core'
import { serverAudits } from 'graphql-http'
import type { Middleware } from 'koa'
import { graphqlGateway } from '../src/gateway.js'
import { graphql } from '../src/graphql.js'
import { inventory } from './inventory.js'
import { KEYS, policies as realPolicies } from './real-gateway.js'
import { bodyParser, mounted, passing, start, stopAll } from './server.js'

afterEach(stopAll)

const policies = () => [
  passing('authenticate'),
  passing('rate-limit'),
  passing('idempotency'),
  passing('cache'),
]

const MOUNTINGS: Readonly<Record<string, () => readonly Middleware[]>> = {
  'bare, by its path': () => [graphqlGateway({ ...options(), policies: policies() })],
  'as a channel of a gate': () => [gate(policies(), { channels: [graphql(options())] })],
  'behind the whole gate': () => [graphqlGateway({ ...options(), policies: realPolicies(1_000) })],
  'behind koa-mount': () => [mounted('/graphql', graphqlGateway({ ...options(), policies: policies() }))],
  'behind a body parser that keeps the text': () => [
    bodyParser('text and value'),
    graphqlGateway({ ...options(), policies: policies() }),
  ],
  'behind a body parser that keeps the value only': () => [
    bodyParser('value'),
    graphqlGateway({ ...options(), policies: policies() }),
  ],
}

function options() {
  const { schema, rootValue, loaders } = inventory()
  return { schema, rootValue, loaders }
}

/** The audits know no credentials; the whole gate asks for one. */
function fetchAsWriter(input: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('x-api-key', KEYS.writer)
  return fetch(input, { ...init, headers })
}

describe.each(Object.entries(MOUNTINGS))('mounted %s', (_, middleware) => {
  test('all 61 audits of GraphQL over HTTP pass', async () => {
    const { url } = await start(...middleware())
    const audits = serverAudits({ url: `${url}/graphql`, fetchFn: fetchAsWriter })
    const results = await Promise.all(audits.map(async ({ id, fn }) => ({ id, result: await fn() })))
    const failed = results.filter(({ result }) => result.status !== 'ok')
    expect(failed.map(({ id, result }) => `${id} ${result.status}`)).toEqual([])
    expect(results).toHaveLength(61)
  })
})
