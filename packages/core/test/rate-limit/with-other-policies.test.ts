import { describe, expect, test } from '@jest/globals'
import { createIdentity } from '../../src/auth/identity.js'
import { cache } from '../../src/cache/cache.js'
import { checkDemands } from '../../src/declaration.js'
import { composeGate } from '../../src/gate.js'
import { idempotency } from '../../src/idempotency/idempotency.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { Answer } from '../../src/reply.js'
import { memoryStores } from '../../src/stores/memory/index.js'
import { type ExchangeInit, literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const identity = createIdentity({ scheme: 'api-key', subject: 'ann' })
const ANSWER: Answer = {
  kind: 'answer',
  status: 200,
  headers: { 'cache-control': 'max-age=60' },
  body: Buffer.from('answer'),
}

/** A whole gate: 8 at once, 1 more each second. */
function setUp() {
  const clock = new ManualClock()
  const stores = memoryStores({ clock })
  const policies = [
    rateLimit({ store: stores.rateLimit, clock, quotas: [{ name: 'q', limit: 60, window: '1m', burst: 8 }] }),
    idempotency({ store: stores.idempotency, clock }),
    cache({ store: stores.cache, clock }),
  ]
  const gate = composeGate(policies, { identityGiven: true })
  const send = async (init: ExchangeInit) => {
    const reply = await gate(literalExchange({ identity, ...init }), () => Promise.resolve(ANSWER))
    await new Promise((resolve) => setImmediate(resolve))
    return /r=(\d+)/.exec(String(reply.headers['ratelimit']))?.[1]
  }
  return { send }
}

describe('what the handler did not do costs 1', () => {
  test('a cached answer', async () => {
    const { send } = setUp()
    const read = { operation: { cost: 3 } }
    expect(await send(read)).toBe('5')
    expect(await send(read)).toBe('2')
    expect(await send({ operation: { cost: 0 } })).toBe('4')
  })

  test('a replayed answer', async () => {
    const { send } = setUp()
    const write = { method: 'POST', headers: { 'idempotency-key': 'key-1' }, operation: { cost: 3 } }
    expect(await send(write)).toBe('5')
    expect(await send(write)).toBe('2')
    expect(await send({ operation: { cost: 0 } })).toBe('4')
  })
})

test('a declaration that names a quota which no limiter has is refused at start-up', () => {
  const { rateLimit: store } = memoryStores()
  const quotas = [{ name: 'login', limit: 5, window: '1m', key: 'ip', declared: true }] as const
  const declared = [{ name: 'POST /sessions', declaration: { quotas: ['login'] } }]
  expect(() => checkDemands(declared, [rateLimit({ store, quotas })], false)).not.toThrow()
  expect(() => checkDemands(declared, [], false)).toThrow(
    "gate: 'POST /sessions' names the quota 'login', and no rateLimit() has one of that name",
  )
})
