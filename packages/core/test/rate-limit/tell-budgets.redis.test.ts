import { expect, test } from '@jest/globals'
import { poll } from '../../../../test-support/redis/poll.mjs'
import { describeRedis, useRedis } from '../../../../test-support/redis/use-redis.js'
import { hotDeny } from '../../src/rate-limit/hot-deny.js'
import { leased } from '../../src/rate-limit/leased.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import { redisRateLimitStore } from '../../src/stores/redis/index.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { connect, PATIENT } from '../stores/redis/clients.js'

const ANSWER = { kind: 'answer', status: 200, headers: {}, body: null } as const

describeRedis('on Redis', () => {
  const server = useRedis()

  test.each<[string, (store: BudgetStore) => BudgetStore]>([
    ['the store', (store) => store],
    ['behind leases and denials from memory', (store) => hotDeny(leased(store))],
  ])('a request is told what the next one finds: %s', async (name, wrap) => {
    const store = wrap(redisRateLimitStore(await connect(server().port), PATIENT))
    // A unit comes back in a minute: none does meanwhile.
    const limiter = rateLimit({
      store,
      quotas: [{ name: 'units', limit: 60, window: '1h', burst: 60, key: () => name }],
    })
    const ask = async (cost: number, spent: number) => {
      const exchange = literalExchange({ operation: { cost } })
      const reply = await limiter.handle(exchange, () => {
        exchange.spent = spent
        return Promise.resolve(ANSWER)
      })
      // Nobody waits for a settlement but the test.
      if (reply.kind === 'answer' && spent !== cost) {
        await poll('the settlement', () =>
          Promise.resolve(exchange.events.some(({ type }) => type === 'rate-limit.settled')),
        )
      }
      return exchange.budgets?.()[0]?.remaining
    }
    expect(await ask(20, 3)).toBe(57)
    expect(await ask(50, 50)).toBe(7)
    expect(await ask(8, 8)).toBe(7) // refused
    expect(await ask(5, 9)).toBe(0) // as far as the budget goes
    expect(await ask(2, 2)).toBe(0)
  })
})
