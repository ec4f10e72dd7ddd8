import { afterAll, describe, expect, test } from '@jest/globals'
import type { GraphQLResolveInfo } from 'graphql'
import type { GraphqlContext, ObjectCosts } from '../src/index.js'
import { COSTS, metered } from './metered.js'
import { stopAll } from './server.js'

afterAll(stopAll)

/** A gateway that charges for objects too, or for root fields alone. */
function open(objectCosts: ObjectCosts | null = COSTS) {
  return metered({ options: objectCosts === null ? {} : { objectCosts } })
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
    rootValue.signIn = (_, { exchange }) => void (exchange.spent = 1)
    expect((await ask('mutation { signIn(name: "x") }')).during).toBe(90)
    expect(await left()).toBe(99)
  })

  test('pays for each guess beside a sign-in that succeeds and says so for itself', async () => {
    const { ask, left, rootValue } = await open()
    rootValue.signIn = ({ name }, { spent }, info) => {
      if (name !== 'ann') return null
      spent(info, 1)
      return 'ok'
    }
    const guesses = 'a: signIn(name: "x") b: signIn(name: "ann") __proto__: signIn(name: "y")'
    expect((await ask(`mutation { ${guesses} }`)).during).toBe(70)
    expect(await left()).toBe(100 - 10 - 1 - 10)
  })

  test('pays in full where one of its fields fails, whatever the others say', async () => {
    const { ask, left, rootValue } = await open()
    rootValue.signIn = ({ name }, { spent }, info) => {
      if (name !== 'ann') throw new Error('wrong')
      spent(info, 1)
      return 'ok'
    }
    await ask('mutation { a: signIn(name: "ann") b: signIn(name: "x") }')
    expect(await left()).toBe(80)
  })

  test('may say more than it was charged, and for a field from below it', async () => {
    const { ask, left, rootValue } = await open()
    rootValue.signIn = (_, { spent }, info) => spent(info, 30)
    rootValue.createItem = () => ({
      id: '9',
      name: (_: object, { spent }: GraphqlContext, info: GraphQLResolveInfo) => (spent(info, 2), 'Rug'),
    })
    await ask('mutation { signIn(name: "x") createItem(input: { name: "Rug" }) { id name } }')
    expect(await left()).toBe(100 - 30 - 2)
  })

  test.each([-1, 1.5, Number.NaN])('can not say that it cost %d: that field fails', async (units) => {
    const { ask, left, rootValue } = await open()
    rootValue.signIn = (_, { spent }, info) => spent(info, units)
    expect((await ask('mutation { signIn(name: "x") }')).body).toMatchObject({
      data: { signIn: null },
      errors: [{ path: ['signIn'] }],
    })
    expect(await left()).toBe(90)
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
