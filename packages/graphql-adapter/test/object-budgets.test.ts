import { afterAll, describe, expect, test } from '@jest/globals'
import {
  cache,
  createIdentity,
  gate,
  idempotency,
  memoryCacheStore,
  memoryIdempotencyStore,
  memoryRateLimitStore,
  rateLimit,
  type Exchange,
  type ReportedEvent,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { graphql, type ObjectCosts } from '../src/index.js'
import { inventory } from './inventory.js'
import { post, start, stopAll } from './server.js'

afterAll(stopAll)

const ANN = createIdentity({ scheme: 'test', subject: 'ann' })
const COSTS: ObjectCosts = {
  assumedSize: 10,
  lists: { 'Query.items': { slicingArguments: ['first'] }, 'Item.related': { assumedSize: 2 } },
}

interface Resolvers {
  signIn: (args: object, context: { exchange: Exchange }) => string
}

/** A gateway whose clock stands still, with 100 units, and two items behind it. */
async function open(objectCosts: ObjectCosts | null = COSTS, reportCost = false) {
  const clock = new ManualClock()
  const { schema, rootValue, loaders, items, calls } = inventory()
  const events: ReportedEvent[] = []
  const channel = graphql({
    schema,
    rootValue,
    loaders,
    ...(objectCosts && { objectCosts }),
    reportCost,
    rules: {
      'Query.items': { cost: 2, cache: { ttl: '1m' } },
      'Query.broken': { cost: 7 },
      'Mutation.createItem': { cost: 5 },
      'Mutation.signIn': { cost: 10 },
    },
  })
  const policies = [
    rateLimit({
      store: memoryRateLimitStore({ clock }),
      quotas: [{ name: 'units', limit: 100, window: '1h', burst: 100 }],
      clock,
    }),
    idempotency({ store: memoryIdempotencyStore({ clock }), clock }),
    cache({ store: memoryCacheStore({ clock }), clock }),
  ]
  const server = await start(
    gate(policies, { channels: [channel], identity: () => ANN, onEvent: (event) => void events.push(event) }),
  )
  /** Sends a request, and says what was left while it ran and what is left now. */
  const ask = async (
    query: string,
    variables: object = {},
    headers: Record<string, string> = {},
    extensions?: object,
  ) => {
    const response = await post(
      `${server.url}/graphql`,
      { query, variables, ...(extensions && { extensions }) },
      headers,
    )
    const body: unknown = await response.json()
    const during = /r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]
    return { status: response.status, body, during: Number(during), headers: response.headers }
  }
  /** A look that costs 1. */
  const left = async () => 1 + (await ask('{ whoami }')).during
  return { ask, left, items, calls, events, rootValue: rootValue as Resolvers }
}

describe('a query is charged for the objects it may give, and pays for those it gave', () => {
  test('exactly', async () => {
    const { ask, left, events } = await open()
    const first = await ask('{ items(first: 20) { id related { id } } }')
    // 2 for the field, 20 items, 2 related each.
    expect(first.during).toBe(100 - 2 - 20 - 40)
    expect(await left()).toBe(100 - 2 - 2 - 2)
    expect(events).toContainEqual(expect.objectContaining({ type: 'rate-limit.settled', cost: 62, spent: 6 }))
  })

  test('the same the second time, when the document is known, and with variables', async () => {
    const { ask, left } = await open()
    const query = 'query ($n: Int!) { items(first: $n) { name seller { name } } }'
    expect((await ask(query, { n: 10 })).during).toBe(100 - 2 - 20)
    expect(await left()).toBe(100 - 2 - 4)
    expect((await ask(query, { n: 30 })).during).toBe(93 - 2 - 60)
    expect(await left()).toBe(93 - 2 - 4)
  })

  test('an answer from the cache costs the request alone', async () => {
    const { ask, left } = await open()
    await ask('{ items(first: 20) { id } }')
    expect(await left()).toBe(96)
    const hit = await ask('{ items(first: 20) { id } }')
    expect(hit.headers.get('cache-status')).toContain('hit')
    expect(hit.during).toBe(95 - 22)
    expect(await left()).toBe(95 - 1)
  })

  test('one that can never be paid is told so, and nothing runs', async () => {
    const { ask, left } = await open()
    const refused = await ask('{ items(first: 2147483647) { id } }')
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'COST_EXCEEDS_QUOTA' } }] },
    })
    expect(refused.headers.get('retry-after')).toBeNull()
    expect(await left()).toBe(100)
  })

  test('more than was foreseen is paid for too', async () => {
    const { ask, left } = await open({ assumedSize: 1 })
    expect((await ask('{ user(id: "u1") { orders { number lines { quantity } } } }')).during).toBe(
      100 - 1 - 1 - 1,
    )
    // Two orders, and two lines in the first.
    expect(await left()).toBe(100 - 1 - 2 - 2)
  })

  test('work whose result an error took away is paid for', async () => {
    const { ask, left } = await open()
    expect((await ask('{ items(first: 20) { id } broken }')).during).toBe(100 - 2 - 20 - 7)
    expect(await left()).toBe(100 - 2 - 20 - 7)
  })
})

describe('a client that asks what its request cost', () => {
  const QUERY = '{ items(first: 20) { id } }'

  test('is told, and what it is told is told to nobody else', async () => {
    const { ask } = await open(COSTS, true)
    const asked = await ask(QUERY, {}, {}, { cost: true })
    expect(asked.body).toMatchObject({
      extensions: { cost: { requestedQueryCost: 22, actualQueryCost: 4 } },
    })
    expect(asked.headers.get('cache-control')).toContain('no-store')
    const other = await ask(QUERY)
    expect(other.headers.get('cache-status')).not.toContain('hit')
    expect(other.body).not.toHaveProperty('extensions')
    expect((await ask(QUERY)).headers.get('cache-status')).toContain('hit')
  })

  test('hears the whole price where nothing is given back', async () => {
    const { ask } = await open(COSTS, true)
    expect((await ask('{ items(first: 20) { id } broken }', {}, {}, { cost: true })).body).toMatchObject({
      extensions: { cost: { requestedQueryCost: 29, actualQueryCost: 29 } },
    })
  })

  test.each([{ cost: 'true' }, { cost: 1 }, { other: true }, undefined])(
    'hears nothing with %j',
    async (extensions) => {
      const { ask } = await open(COSTS, true)
      expect((await ask(QUERY, {}, {}, extensions)).body).not.toHaveProperty('extensions')
    },
  )

  test('hears nothing where the service does not say it', async () => {
    const { ask } = await open()
    expect((await ask(QUERY, {}, {}, { cost: true })).body).not.toHaveProperty('extensions')
  })
})

describe('without objectCosts', () => {
  test('fields that a directive left out are given back', async () => {
    const { ask, left } = await open(null)
    const query = 'query ($no: Boolean!) { items @skip(if: $no) { id } broken @skip(if: $no) whoami }'
    expect((await ask(query, { no: true })).during).toBe(100 - 2 - 7 - 1)
    expect(await left()).toBe(99)
  })

  test('objects cost nothing', async () => {
    const { ask, left } = await open(null)
    await ask('{ items(first: 20) { id } }')
    expect(await left()).toBe(98)
  })
})

describe('a mutation', () => {
  test('is charged for each time a field runs, whatever it is called', async () => {
    const { ask, left, calls } = await open()
    await ask('mutation { a: signIn(name: "x") b: signIn(name: "y") c: signIn(name: "z") }')
    expect(calls).toEqual(['signIn', 'signIn', 'signIn'])
    expect(await left()).toBe(70)
  })

  test('pays what its resolver says, if it says so', async () => {
    const { ask, left, rootValue } = await open()
    const { signIn } = rootValue
    rootValue.signIn = (_: object, context: { exchange: Exchange }) => {
      context.exchange.spent = 1
      return signIn({}, context)
    }
    expect((await ask('mutation { signIn(name: "x") }')).during).toBe(90)
    expect(await left()).toBe(99)
  })

  test('pays once under a key: the replay costs the request alone', async () => {
    const { ask, left, calls } = await open()
    const create = 'mutation { createItem(input: { name: "Rug" }) { id related { id } } }'
    const once = { 'idempotency-key': 'rug-1' }
    const first = await ask(create, {}, once)
    expect(first.during).toBe(100 - 5 - 2)
    expect(await left()).toBe(100 - 5 - 2)
    const replay = await ask(create, {}, once)
    expect(replay.headers.get('idempotent-replayed')).toBe('true')
    expect(replay.body).toEqual(first.body)
    expect(await left()).toBe(92 - 1)
    expect(calls).toEqual(['createItem'])
  })
})
