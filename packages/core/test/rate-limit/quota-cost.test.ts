import { expect, test } from '@jest/globals'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const HOUR = { limit: 100, window: '1h', key: 'ip' } as const
const points: Quota = { ...HOUR, name: 'points', burst: 50 }
const requests: Quota = { ...HOUR, name: 'requests', burst: 4, cost: 1 }

function limited(...quotas: readonly Quota[]) {
  const clock = new ManualClock()
  const policy = rateLimit({ store: memoryRateLimitStore({ clock }), clock, quotas })
  return async (cost: number, spent?: number) => {
    const exchange = literalExchange({ operation: { cost } })
    const reply = await policy.handle(exchange, () => {
      if (spent !== undefined) exchange.spent = spent
      return Promise.resolve(OK)
    })
    await new Promise((resolve) => setImmediate(resolve))
    const left = [...String(reply.headers['ratelimit']).matchAll(/r=(\d+)/g)].map(([, units]) =>
      Number(units),
    )
    return { reply, left, events: exchange.events }
  }
}

test('a quota with a cost of its own counts requests, beside one that counts what they cost', async () => {
  const send = limited(points, requests)
  expect((await send(20)).left).toEqual([30, 3])
  expect((await send(7)).left).toEqual([23, 2])
  expect((await send(0)).left).toEqual([23, 1])
  const denied = await send(24)
  expect(denied.reply).toMatchObject({ code: 'quota-exceeded', members: { 'violated-policies': ['points'] } })
  expect(denied.left).toEqual([23, 1])
})

test('a cost of its own stays, whatever the request turns out to have cost', async () => {
  const send = limited(points, requests)
  await send(20, 5)
  expect((await send(1)).left).toEqual([44, 2])
})

test('what is final keeps no reservation: with a budget the store would remember it for nothing', async () => {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const reserved: unknown[] = []
  const told: typeof store = {
    ...store,
    consume(charges, options) {
      reserved.push(options?.reserve !== undefined)
      return store.consume(charges, options)
    },
  }
  const send = async (cost: number, ...quotas: readonly Quota[]): Promise<unknown> => {
    reserved.length = 0
    const policy = rateLimit({ store: told, clock, quotas })
    await policy.handle(literalExchange({ operation: { cost } }), () => Promise.resolve(OK))
    return [...reserved]
  }
  expect(await send(7, requests)).toEqual([false])
  expect(await send(7, points, { ...requests, shadow: true })).toEqual([true, false])
  expect(await send(7, points, requests)).toEqual([true])
  expect(await send(1, points)).toEqual([false])
})

test('in shadow mode it counts and stays too', async () => {
  const send = limited(points, { ...requests, shadow: true })
  for (let times = 0; times < 4; times += 1) {
    expect((await send(12, 0)).events).not.toContainEqual(expect.objectContaining({ quota: 'requests' }))
  }
  expect((await send(12)).events).toContainEqual(expect.objectContaining({ quota: 'requests' }))
})

test('an operation dearer than another quota can ever give is told of that quota alone', async () => {
  const { reply } = await limited(points, requests)(51)
  expect(reply).toMatchObject({
    code: 'cost-exceeds-quota',
    detail: 'The request costs 51; at most 50 can be taken at once.',
    members: { 'violated-policies': ['points'] },
  })
})

test('what a tier can never give is no time to come back for', async () => {
  const send = limited({ name: 'tier', window: '1h', key: 'ip', limit: () => 10, cost: 2 })
  const { reply } = await send(1)
  expect(reply).toMatchObject({
    code: 'cost-exceeds-quota',
    detail: 'The request costs 2; at most 1 can be taken at once.',
  })
  expect(reply.headers['retry-after']).toBeUndefined()
})
