import { afterEach, describe, expect, test } from '@jest/globals'
import { memoryRateLimitStore, type Quota, rateLimit } from '@headgate/core'
import * as fc from 'fast-check'
import { COSTS, metered, type Metering, UNITS } from './metered.js'
import { stopAll } from './server.js'

afterEach(stopAll)

const QUERY = '{ items(first: 20) { id } }'

interface Report {
  readonly requestedQueryCost: number
  readonly actualQueryCost: number | null
  readonly throttleStatus?: {
    readonly maximumAvailable: number
    readonly currentlyAvailable: number
    readonly restoreRate: number
  }
}

/** A gateway that says what requests cost. */
async function open({ options, ...metering }: Metering = {}) {
  const opened = await metered({
    ...metering,
    options: { objectCosts: COSTS, reportCost: true, ...options },
  })
  const { ask } = opened
  const report = async (query: string, headers: Record<string, string> = {}) => {
    const { body, ...answer } = await ask(query, {}, headers, { cost: true })
    return { ...answer, body, cost: (body as { extensions?: { cost?: Report } }).extensions?.cost }
  }
  return { ...opened, report }
}

describe('a client that asks what its request cost', () => {
  test('is told, with its budget as it stands when it has paid', async () => {
    const { report, left } = await open()
    const { cost, body } = await report(QUERY)
    expect(cost).toEqual({
      requestedQueryCost: 22,
      actualQueryCost: 4,
      throttleStatus: { maximumAvailable: 100, currentlyAvailable: 96, restoreRate: 100 / 3600 },
    })
    expect(body).toMatchObject({ data: { items: [{ id: '1' }, { id: '2' }] } })
    expect(await left()).toBe(96)
  })

  test('hears the whole price where nothing is given back', async () => {
    const { report, left } = await open()
    const { cost } = await report('{ items(first: 20) { id } broken }')
    expect(cost).toMatchObject({
      requestedQueryCost: 29,
      actualQueryCost: 29,
      throttleStatus: { currentlyAvailable: 71 },
    })
    expect(await left()).toBe(71)
  })

  test('hears of what it took beyond its charge', async () => {
    const { report, left } = await open({ options: { objectCosts: { assumedSize: 1 } } })
    const { cost } = await report('{ user(id: "u1") { orders { number lines { quantity } } } }')
    expect(cost).toMatchObject({
      requestedQueryCost: 3,
      actualQueryCost: 5,
      throttleStatus: { currentlyAvailable: 95 },
    })
    expect(await left()).toBe(95)
  })

  test('is told the truth over any run of requests, executed, stored and refused, while time passes', async () => {
    const step = fc.record({
      first: fc.nat({ max: 40 }),
      related: fc.boolean(),
      pause: fc.constantFrom(0, 0, 1_000, 90_000, 3_600_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const { report, left, clock } = await open()
        for (const { first, related, pause } of steps) {
          const { cost } = await report(
            `{ items(first: ${first}) { id ${related ? 'related { id }' : ''} } }`,
          )
          const available = cost?.throttleStatus?.currentlyAvailable
          if (available === 0) await clock.advance(72_000) // the look takes one itself
          expect(await left()).toBe(available === 0 ? 2 : available)
          await clock.advance(pause)
        }
      }),
      { numRuns: 15 },
    )
  }, 60_000)

  test.each([{ cost: 'true' }, { cost: 1 }, { other: true }, undefined])(
    'hears nothing with %j',
    async (extensions) => {
      const { ask } = await open()
      expect((await ask(QUERY, {}, {}, extensions)).body).not.toHaveProperty('extensions')
    },
  )

  test('hears nothing where the service does not say it', async () => {
    const { ask } = await open({ options: { reportCost: false } })
    expect((await ask(QUERY, {}, {}, { cost: true })).body).not.toHaveProperty('extensions')
  })

  test('hears the cost alone where no limiter decided', async () => {
    const { report } = await open({ quotas: [{ ...UNITS, shadow: true }] })
    expect((await report(QUERY)).cost).toEqual({ requestedQueryCost: 22, actualQueryCost: 4 })
  })
})

describe('what one client is told is told to nobody else, and to itself once', () => {
  test('its answer is stored without it, and those that are stored are told of anew', async () => {
    const { report, ask } = await open()
    const first = await report(QUERY)
    expect(first.headers.get('cache-control')).toBe('no-store')
    const other = await ask(QUERY)
    expect(other.headers.get('cache-status')).toContain('hit')
    expect(other.headers.get('cache-control')).toContain('max-age=60')
    expect(other.body).toEqual({ data: { items: [{ id: '1' }, { id: '2' }] } })
    const hit = await report(QUERY)
    expect(hit.headers.get('cache-status')).toContain('hit')
    expect(hit.headers.get('cache-control')).toBe('no-store')
    expect(hit.cost).toMatchObject({
      requestedQueryCost: 22,
      actualQueryCost: 1,
      throttleStatus: { currentlyAvailable: 100 - 4 - 1 - 1 },
    })
  })

  test('a replay tells how the budget stands now, not how it stood', async () => {
    const { report, ask, left, calls } = await open()
    const create = 'mutation { createItem(input: { name: "Rug" }) { id } }'
    const once = { 'idempotency-key': 'rug-1' }
    expect((await report(create, once)).cost?.throttleStatus?.currentlyAvailable).toBe(95)
    await ask('{ broken }')
    const replay = await report(create, once)
    expect(replay.headers.get('idempotent-replayed')).toBe('true')
    expect(replay.cost).toMatchObject({
      requestedQueryCost: 5,
      actualQueryCost: 1,
      throttleStatus: { currentlyAvailable: 95 - 7 - 1 },
    })
    expect((await ask(create, {}, once)).body).toEqual({ data: { createItem: { id: '3' } } })
    expect(await left()).toBe(87 - 1)
    expect(calls).toEqual(['createItem'])
  })

  test('an answer with it has no entity tag, and one without content has none of it', async () => {
    const { url } = await open()
    const search = new URLSearchParams({ query: QUERY })
    const plain = await fetch(`${url}?${search}`)
    const etag = plain.headers.get('etag')!
    search.set('extensions', '{"cost":true}')
    const asked = await fetch(`${url}?${search}`)
    expect(asked.headers.get('cache-status')).toContain('hit')
    expect(asked.headers.get('etag')).toBeNull()
    expect(asked.headers.get('content-length')).toBe(String((await asked.arrayBuffer()).byteLength))
    const conditional = await fetch(`${url}?${search}`, { headers: { 'if-none-match': etag } })
    expect([conditional.status, await conditional.text()]).toEqual([304, ''])
    const head = await fetch(`${url}?${search}`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each(['stored', 'executed'])('HEAD says nothing of what GET would get, %s', async (how) => {
    const { url } = await open()
    const search = new URLSearchParams({ query: QUERY, extensions: '{"cost":true}' })
    if (how === 'stored') await fetch(`${url}?${search}`)
    const { status, headers } = await fetch(`${url}?${search}`, { method: 'HEAD' })
    expect(headers.get('cache-status')?.includes('hit')).toBe(how === 'stored')
    const fields = ['content-type', 'content-length', 'etag', 'cache-control'].map((name) =>
      headers.get(name),
    )
    expect([status, ...fields]).toEqual([200, 'application/json; charset=utf-8', null, null, 'no-store'])
  })

  test('a public answer that was made from a budget is not stored', async () => {
    const { ask } = await open({
      options: {
        rules: { 'Query.search': { cache: { ttl: '1m', public: true } } },
        context: (exchange) => ({ poor: (exchange.budgets?.()[0]?.remaining ?? 0) < 50 }),
      },
    })
    await ask('{ search { __typename } }')
    expect((await ask('{ search { __typename } }')).headers.get('cache-status')).not.toContain('hit')
  })
})

describe('of several budgets a client is told of', () => {
  const DAILY: Quota = { name: 'daily', limit: 1_000, window: '1d', algorithm: 'fixed-window' }

  test('the one with the least left', async () => {
    const { report } = await open({ quotas: [DAILY, UNITS] })
    expect((await report(QUERY)).cost?.throttleStatus?.maximumAvailable).toBe(100)
  })

  test('the one that the same request would wait for longest', async () => {
    const slow: Quota = { name: 'slow', limit: 30, window: '1d', algorithm: 'fixed-window' }
    const { report } = await open({ quotas: [{ ...UNITS, limit: 36_000, burst: 25 }, slow] })
    expect((await report('{ items(first: 20) { id } broken }')).status).toBe(400) // more than 25
    const { cost } = await report('{ items(first: 13) { id } broken }')
    // 3 of 25 are left and 10 a second come back; 8 of 30, and 30 a day.
    expect(cost?.throttleStatus).toEqual({
      maximumAvailable: 30,
      currentlyAvailable: 8,
      restoreRate: 30 / 86_400,
    })
  })

  test('none that counts requests, while it refuses none', async () => {
    const requests: Quota = { name: 'requests', limit: 60, window: '1h', burst: 2, cost: 1 }
    const { report, clock } = await open({ quotas: [requests, UNITS] })
    expect((await report('{ whoami }')).cost?.throttleStatus).toMatchObject({ maximumAvailable: 100 })
    await report('{ whoami }')
    const refused = await report('{ whoami }')
    expect(refused.status).toBe(429)
    expect(refused.cost?.throttleStatus).toEqual({
      maximumAvailable: 2,
      currentlyAvailable: 0,
      restoreRate: 60 / 3600,
    })
    await clock.advance(60_000)
    expect((await report('{ whoami }')).status).toBe(200)
  })

  test('that of another limiter, where it is tighter', async () => {
    const { report } = await open({
      before: (clock) => [
        rateLimit({
          store: memoryRateLimitStore({ clock }),
          quotas: [{ name: 'address', limit: 30, window: '1h', burst: 30, key: 'ip' }],
          clock,
        }),
      ],
    })
    expect((await report(QUERY)).cost?.throttleStatus).toMatchObject({
      maximumAvailable: 30,
      currentlyAvailable: 26,
    })
  })
})

describe('a client over its budget that asks', () => {
  test('is told when its request fits: nothing was taken', async () => {
    const { report, ask, left, clock } = await open()
    await ask('{ items(first: 80) { id } broken }') // 89, with an error: all of it
    const refused = await report(QUERY)
    expect(refused.status).toBe(429)
    expect(refused.body).toMatchObject({ errors: [{ extensions: { code: 'QUOTA_EXCEEDED' } }] })
    expect(refused.cost).toEqual({
      requestedQueryCost: 22,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 100, currentlyAvailable: 11, restoreRate: 100 / 3600 },
    })
    const { requestedQueryCost, throttleStatus } = refused.cost!
    const wait = (requestedQueryCost - throttleStatus!.currentlyAvailable) / throttleStatus!.restoreRate
    expect(await left()).toBe(11)
    await clock.advance((wait + 36) * 1_000) // and the look before
    expect((await report(QUERY)).status).toBe(200)
  })

  test('is told that it never fits', async () => {
    const { report } = await open()
    const refused = await report('{ items(first: 200) { id } }')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([400, null])
    expect(refused.cost).toMatchObject({
      requestedQueryCost: 202,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 100, currentlyAvailable: 100 },
    })
  })
})

test('while the store is away a client is told of its share, of which nothing is given back', async () => {
  const { report } = await open({
    quotas: [{ ...UNITS, limit: 400, burst: 400 }],
    store: (clock) => ({
      ...memoryRateLimitStore({ clock }),
      consume: () => Promise.reject(new Error('away')),
    }),
  })
  expect((await report(QUERY)).cost).toMatchObject({
    actualQueryCost: 4,
    throttleStatus: { currentlyAvailable: 100 - 22 },
  })
})
