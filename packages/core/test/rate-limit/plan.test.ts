import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createIdentity } from '../../src/auth/identity.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'

const QUOTAS = (['identity', 'tenant', 'route', 'global'] as const).map((key): Quota => ({
  name: key,
  key,
  limit: 100,
  window: '1m',
}))

test('non-interference: the more callers share a budget, the later it is charged, whatever the order of the quotas', async () => {
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(QUOTAS, { minLength: QUOTAS.length }), async (quotas) => {
      const memory = memoryRateLimitStore()
      const asked: string[] = []
      const store = {
        ...memory,
        consume(...[charges, options]: Parameters<typeof memory.consume>) {
          asked.push(...charges.map(({ quota }) => quota))
          return memory.consume(charges, options)
        },
      }
      const identity = createIdentity({ scheme: 'test', subject: 'ann', issuer: 'i', tenant: 't' })
      await rateLimit({ store, quotas }).handle(literalExchange({ identity }), async () => {
        return { kind: 'answer', status: 200, headers: {}, body: null }
      })
      expect(asked).toEqual(QUOTAS.map(({ name }) => name))
    }),
    { numRuns: 24 },
  )
})
