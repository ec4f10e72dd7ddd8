import { expect, test } from '@jest/globals'
import { hotDeny } from '../../src/rate-limit/hot-deny.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { BudgetStore } from '../../src/rate-limit/store.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable } from '../../src/stores/unavailable.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

/** A limiter whose store can be cut off; what it tells of a request, and the calls that the store got. */
function service(how: 'leases' | 'hotDeny') {
  const clock = new ManualClock()
  const central = memoryRateLimitStore({ clock })
  let isAway = false
  let calls = 0
  const store: BudgetStore = {
    consume: (charges, options) => {
      calls += 1
      return isAway ? Promise.reject(new StoreUnavailable('not-ready')) : central.consume(charges, options)
    },
    settle: (receipt, costs) => central.settle(receipt, costs),
    block: (key, duration) => central.block(key, duration),
  }
  const quota = { name: 'q', limit: 40, window: '1m', burst: 40, key: 'ip' } as const
  const policy = rateLimit({
    clock,
    quotas: [quota],
    store: how === 'hotDeny' ? hotDeny(store, { clock }) : store,
    leases: how === 'leases',
  })
  return {
    cut: (away: boolean) => void (isAway = away),
    calls: () => calls,
    send: async (address: string) => {
      const exchange = literalExchange({ address })
      await policy.handle(exchange, () => Promise.resolve(OK))
      return exchange.events.map(({ type }) => type)
    },
  }
}

test.each(['leases', 'hotDeny'] as const)(
  'what %s remembers says not that the store is back',
  async (how) => {
    const { send, cut, calls } = service(how)
    const usual = how === 'leases' ? 'rate-limit.admitted' : 'rate-limit.denied'
    // So many that units are taken ahead, or so many that the last one is denied.
    for (let count = 0; count < (how === 'leases' ? 4 : 41); count += 1) await send('192.0.2.1')
    cut(true)
    const [failed] = await send('192.0.2.2')
    expect(failed).toBe('rate-limit.store-failed')
    const before = calls()
    expect(await send('192.0.2.1')).toEqual([usual])
    // Nothing was asked, and nothing owed was offered.
    expect(calls()).toBe(before)
    cut(false)
    expect(await send('192.0.2.2')).toEqual(['rate-limit.store-recovered', 'rate-limit.admitted'])
  },
)
