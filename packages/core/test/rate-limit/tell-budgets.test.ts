import { describe, expect, test } from '@jest/globals'
import type { Exchange } from '../../src/exchange.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const UNITS: Quota = { name: 'units', limit: 60, window: '1m', burst: 30, key: 'global' }
const ANSWER = { kind: 'answer', status: 200, headers: {}, body: null } as const

/** Requests to a limiter of their own; `spend` says what they cost in the end. */
function open(quotas: readonly Quota[]) {
  const clock = new ManualClock()
  const limiter = rateLimit({ store: memoryRateLimitStore({ clock }), quotas, clock })
  const ask = async (cost: number, spend?: (exchange: Exchange) => unknown) => {
    const exchange = literalExchange({ operation: { cost } })
    await limiter.handle(exchange, async () => {
      await spend?.(exchange)
      return ANSWER
    })
    return exchange.budgets?.()
  }
  return { clock, ask }
}

describe('how the budgets stand that a request takes from', () => {
  test('is what is left when it has taken its cost', async () => {
    const { ask } = open([UNITS])
    expect(await ask(10)).toEqual([{ name: 'units', burst: 30, remaining: 20, perSecond: 1 }])
  })

  test.each([
    ['less than it was charged', 10, 4, 26],
    ['nothing', 10, 0, 30],
    ['more, as far as the budget goes', 10, 15, 15],
    ['more than there is', 10, 1_000, 0],
    ['no number', 10, Number.NaN, 20],
    ['less than nothing', 10, -5, 20],
    ['less than the one unit that is final', 1, 0, 29],
  ])('follows what it turns out to cost: %s', async (_, cost, spent, remaining) => {
    const { ask } = open([UNITS])
    expect(await ask(cost, (exchange) => (exchange.spent = spent))).toMatchObject([{ remaining }])
  })

  test('gives nothing back where the request ran longer than settling is waited for', async () => {
    const { ask, clock } = open([UNITS])
    const budgets = await ask(10, async (exchange) => {
      exchange.spent = 1
      await clock.advance(60_000)
    })
    expect(budgets).toMatchObject([{ remaining: 20 }])
  })

  test('leaves out what counts requests, what only watches, and what holds for others', async () => {
    const { ask } = open([
      { ...UNITS, name: 'requests', cost: 1 },
      { ...UNITS, name: 'watched', shadow: true },
      { ...UNITS, name: 'other', declared: true },
      UNITS,
    ])
    expect((await ask(5))?.map(({ name }) => name)).toEqual(['units'])
  })

  test('says of windows what comes back on average', async () => {
    const { ask } = open([
      { name: 'fixed', limit: 120, window: '1m', algorithm: 'fixed-window', key: 'global' },
      { name: 'sliding', limit: 30, window: '1m', algorithm: 'sliding-window', key: 'global' },
      { ...UNITS, name: 'strict', limit: 90, strict: true },
    ])
    expect(await ask(1)).toEqual([
      { name: 'fixed', burst: 120, remaining: 119, perSecond: 2 },
      { name: 'sliding', burst: 30, remaining: 29, perSecond: 0.5 },
      { name: 'strict', burst: 30, remaining: 29, perSecond: 1 },
    ])
  })

  test('says of a month what comes back in the longest', async () => {
    const { ask } = open([
      { name: 'plan', limit: 2_678_400, window: 'month', algorithm: 'fixed-window', key: 'global' },
    ])
    expect(await ask(1)).toEqual([{ name: 'plan', burst: 2_678_400, remaining: 2_678_399, perSecond: 1 }])
  })

  test('of a request that is refused: those that refused it, untouched', async () => {
    const { ask } = open([{ ...UNITS, name: 'wide', burst: 60 }, UNITS, { ...UNITS, name: 'few', cost: 30 }])
    await ask(20)
    expect(await ask(15)).toEqual([
      { name: 'units', burst: 30, remaining: 10, perSecond: 1 },
      { name: 'few', burst: 30, remaining: 0, perSecond: 1 },
    ])
  })

  test('of a request that can never pass: those that can not hold its cost', async () => {
    const { ask } = open([{ ...UNITS, name: 'wide', burst: 60 }, UNITS])
    expect(await ask(31)).toEqual([{ name: 'units', burst: 30, remaining: 30, perSecond: 1 }])
  })

  test('is not known where nobody decided', async () => {
    const away = { ...memoryRateLimitStore(), consume: () => Promise.reject(new Error('away')) }
    const clock = new ManualClock()
    const limiter = rateLimit({ store: away, quotas: [UNITS], onStoreDown: 'allow', clock })
    const exchange = literalExchange()
    await limiter.handle(exchange, () => Promise.resolve(ANSWER))
    expect(exchange.budgets).toBeUndefined()
  })

  test('of several limiters: of all, the outer first', async () => {
    const clock = new ManualClock()
    const named = (name: string) =>
      rateLimit({ store: memoryRateLimitStore({ clock }), quotas: [{ ...UNITS, name }], clock })
    const [outer, inner] = [named('outer'), named('inner')]
    const exchange = literalExchange({ operation: { cost: 10 } })
    await outer.handle(exchange, () =>
      inner.handle(exchange, () => {
        exchange.spent = 2
        return Promise.resolve(ANSWER)
      }),
    )
    expect(exchange.budgets?.()).toMatchObject([
      { name: 'outer', remaining: 28 },
      { name: 'inner', remaining: 28 },
    ])
  })
})
