import { expect, test } from '@jest/globals'
import { createIdentity } from '../../src/auth/identity.js'
import type { Answer, Reply } from '../../src/reply.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

/** Gold: 100 a second, 10 at once. Everybody else: 20 a second, 2 at once. */
function setUp() {
  const store = memoryRateLimitStore({ clock: new ManualClock() })
  const policy = rateLimit({
    store,
    quotas: [{ name: 'plan', limit: (who) => (who?.scopes.includes('gold') ? 100 : 20), window: '1s' }],
  })
  return (subject: string, scopes: readonly string[]): Promise<Reply> => {
    const identity = createIdentity({ scheme: 'jwt', subject, scopes })
    return policy.handle(literalExchange({ identity }), () => Promise.resolve(OK))
  }
}

test('each caller has the limit of its plan, and the fields say which', async () => {
  const send = setUp()
  expect((await send('ann', ['gold'])).headers).toMatchObject({
    'ratelimit-policy': '"plan";q=100;w=1',
    ratelimit: '"plan";r=9;t=1',
  })
  expect((await send('bob', [])).headers).toMatchObject({
    'ratelimit-policy': '"plan";q=20;w=1',
    ratelimit: '"plan";r=1;t=1',
  })
})

test('a caller with credentials of two plans gets what both give and no more, however it changes between them', async () => {
  const send = setUp()
  let admitted = 0
  for (let index = 0; index < 200; index += 1) {
    const reply = await send('ann', index % 5 === 0 ? [] : ['gold'])
    if (reply.kind === 'answer') admitted += 1
  }
  expect(admitted).toBe(12)
})
