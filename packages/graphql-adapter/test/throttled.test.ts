import { afterEach, describe, expect, test } from '@jest/globals'
import { type Policy, type RefusalCode, refuse } from '@headgate/core'
import { graphql } from '../src/index.js'
import { type Body, endpoint, read } from './endpoint.js'
import { inventory } from './inventory.js'
import { COSTS, metered } from './metered.js'
import { post, stopAll } from './server.js'

afterEach(stopAll)

const GRAPHQL = 'application/graphql-response+json'
const JSON_TYPE = 'application/json'
const QUERY = '{ items { id } }'
/** It costs 100, and nothing comes back of it, since it fails. */
const ALL = '{ items(first: 97) { id } strict }'

/** A gateway whose clients hear of limits as GraphQL's errors, and whose budget holds 100. */
function open() {
  return metered({ options: { throttledStatus: 200, objectCosts: COSTS, reportCost: true } })
}

/** What a client that reads no statuses sees. */
function codeOf(body: unknown): string | undefined {
  return (body as Body).errors?.[0]?.extensions.code
}

describe("a client over its limit, where it reads GraphQL's errors and no statuses", () => {
  test('gets 200 and THROTTLED as JSON, with all that it is told else', async () => {
    const { ask } = await open()
    await ask(ALL)
    const refused = await ask(QUERY, {}, {}, { cost: true })
    expect(refused.status).toBe(200)
    expect(refused.headers.get('content-type')).toBe(`${JSON_TYPE}; charset=utf-8`)
    expect(refused.body).toEqual({
      errors: [
        {
          message: "The quota 'units' is exceeded.",
          extensions: { code: 'THROTTLED', 'violated-policies': ['units'] },
        },
      ],
      extensions: {
        cost: {
          requestedQueryCost: 12,
          actualQueryCost: null,
          throttleStatus: { maximumAvailable: 100, currentlyAvailable: 0, restoreRate: 100 / 3600 },
        },
      },
    })
    expect(refused.headers.get('retry-after')).toBe('432') // 12 at 36 s each
    expect(refused.headers.get('ratelimit')).toBe('"units";r=0;t=432')
    expect(refused.headers.get('ratelimit-policy')).toBe('"units";q=100;w=3600')
    expect(refused.headers.get('cache-control')).toBe('no-store')
  })

  test.each([
    ['nothing', undefined, 200],
    [JSON_TYPE, JSON_TYPE, 200],
    ['*/*', '*/*', 200],
    ['what Apollo Client sends', `${GRAPHQL},${JSON_TYPE};q=0.9`, 200],
    ['what urql sends', `${GRAPHQL}, application/graphql+json, ${JSON_TYPE}, text/event-stream`, 200],
    [GRAPHQL, GRAPHQL, 429],
    ['no JSON', `${GRAPHQL}, ${JSON_TYPE};q=0`, 429],
    ['anything but JSON', `${JSON_TYPE};q=0, */*`, 429],
  ])('accepting %s', async (_, accept, status) => {
    const { ask, url } = await open()
    await ask(ALL)
    const refused = await post(url, { query: QUERY }, accept === undefined ? {} : { accept })
    expect(refused.status).toBe(status)
    expect(refused.headers.get('content-type')).toContain(status === 200 ? JSON_TYPE : GRAPHQL)
    expect(refused.headers.get('retry-after')).toBe('432')
    const body = await read(refused)
    expect(codeOf(body)).toBe('THROTTLED')
    expect('data' in body).toBe(false)
  })

  test('hears the same whatever its document is, and 429 where there is none', async () => {
    const { ask, url } = await open()
    await ask(ALL)
    const answers = [{ query: '{' }, { query: '{ nothing }' }, {}, '{'].map((body) => post(url, body))
    const others = [
      fetch(url, { method: 'DELETE' }),
      fetch(url),
      post(url, { query: QUERY }, { accept: 'text/html' }),
    ]
    const told = await Promise.all(
      [...answers, ...others].map(async (answer) => {
        const { status } = await answer
        return [status, codeOf(await read(await answer))]
      }),
    )
    expect(told).toEqual([
      ...Array.from({ length: 2 }, () => [200, 'THROTTLED']),
      ...Array.from({ length: 5 }, () => [429, 'THROTTLED']),
    ])
  })

  test('no cache keeps that, here or behind: the next answer to the same query is data', async () => {
    const { ask, url, clock } = await open()
    await ask(ALL)
    const target = `${url}?${new URLSearchParams({ query: QUERY })}`
    const refused = await fetch(target)
    expect([refused.status, codeOf(await read(refused))]).toEqual([200, 'THROTTLED'])
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(refused.headers.get('etag')).toBeNull()
    expect(refused.headers.get('cache-status')).toBeNull()
    await clock.advance(432_000)
    const answer = await fetch(target)
    expect(answer.headers.get('cache-status')).not.toContain('hit')
    expect(await answer.json()).toEqual({ data: { items: [{ id: '1' }, { id: '2' }] } })
  })

  test('no Idempotency-Key keeps it: the mutation runs when there is budget', async () => {
    const { ask, clock, calls } = await open()
    await ask(ALL)
    const create = 'mutation { createItem(input: { name: "Rug" }) { id } }'
    const once = { 'idempotency-key': 'rug-1' }
    expect(codeOf((await ask(create, {}, once)).body)).toBe('THROTTLED')
    expect(calls).toEqual([])
    await clock.advance(5 * 36_000)
    const done = await ask(create, {}, once)
    expect(done.body).toEqual({ data: { createItem: { id: '3' } } })
    expect(done.headers.get('idempotent-replayed')).not.toBe('true')
    expect(calls).toEqual(['createItem'])
  })
})

/** An endpoint behind a policy that says no. */
async function refusing(code: RefusalCode, throttledStatus?: 200 | 429) {
  const policy: Policy = { name: 'no', handle: () => Promise.resolve(refuse(code)) }
  const { url } = await endpoint(throttledStatus === undefined ? {} : { throttledStatus }, [policy])
  const answer = await post(url, { query: QUERY })
  return [answer.status, codeOf(await read(answer))]
}

describe('which refusals', () => {
  test.each([
    ['quota-exceeded', 200, 'THROTTLED'],
    ['concurrency-exceeded', 200, 'THROTTLED'],
    ['caller-blocked', 200, 'THROTTLED'],
    ['cost-exceeds-quota', 400, 'COST_EXCEEDS_QUOTA'],
    ['caller-denied', 403, 'CALLER_DENIED'],
    ['rate-limit-unavailable', 503, 'RATE_LIMIT_UNAVAILABLE'],
    ['overloaded', 503, 'OVERLOADED'],
    ['idempotency-quota-exceeded', 429, 'IDEMPOTENCY_QUOTA_EXCEEDED'],
    ['credentials-missing', 401, 'CREDENTIALS_MISSING'],
  ] as const)('%s is %i', async (code, status, told) => {
    expect(await refusing(code, 200)).toEqual([status, told])
  })

  test.each([undefined, 429] as const)('none with %s', async (throttledStatus) => {
    expect(await refusing('quota-exceeded', throttledStatus)).toEqual([429, 'QUOTA_EXCEEDED'])
    expect(await refusing('concurrency-exceeded', throttledStatus)).toEqual([429, 'CONCURRENCY_EXCEEDED'])
  })
})

test.each([100, 503, '200', null, true])('a status of %j is a mistake', (throttledStatus) => {
  const { schema } = inventory()
  expect(() => graphql({ schema, throttledStatus: throttledStatus as 200 })).toThrow(
    'graphql: throttledStatus must be 200 or 429',
  )
})
