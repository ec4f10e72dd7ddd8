import { test, expect } from '@jest/globals'
import * as fc from 'fast-check'
import { ANONYMOUS, createIdentity } from '../../src/auth/identity.js'
import { cache } from '../../src/cache/cache.js'
import { memoryCacheStore } from '../../src/stores/memory/cache.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const IDENTITIES = [
  undefined,
  ANONYMOUS,
  createIdentity({ scheme: 'jwt', subject: 'ann' }),
  createIdentity({ scheme: 'jwt', subject: 'ann', tenant: 'a' }),
  createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['read'] }),
  createIdentity({ scheme: 'api-key', subject: 'ann' }),
]

/** Few values, so that requests which differ in one part only are common; and such that meet when they are joined. */
const ask = fc.record({
  who: fc.nat(IDENTITIES.length - 1),
  method: fc.constantFrom('GET', 'QUERY', 'POST'),
  origin: fc.constantFrom('http://a', 'https://a', 'http://a/'),
  path: fc.constantFrom('b', '/b'),
  query: fc.constantFrom('', 'b'),
  body: fc.constantFrom('', 'b'),
  language: fc.constantFrom('', 'b'),
  host: fc.constantFrom(undefined, 'b'),
})

test('whatever differs in identity, method, address, content or selecting fields never meets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ask, { minLength: 2, maxLength: 60 }), async (asks) => {
      const clock = new ManualClock()
      const policy = cache({ store: memoryCacheStore({ clock, maxVariants: 1_000 }), clock })
      const handled = new Set<string>()
      for (const { who, language, host, ...request } of asks) {
        const said = JSON.stringify({ who, language, host, ...request })
        const exchange = literalExchange({
          ...request,
          ...(IDENTITIES[who] && { identity: IDENTITIES[who] }),
          headers: { 'accept-language': language },
          operation: { effect: 'read', ...(host !== undefined && { host }) },
        })
        const reply = await policy.handle(exchange, async () => {
          expect(handled.has(said)).toBe(false)
          handled.add(said)
          const headers = { 'cache-control': 'max-age=60', vary: 'accept-language' }
          return { kind: 'answer', status: 200, headers, body: Buffer.from(said) }
        })
        expect(reply.kind === 'answer' && Buffer.from(reply.body as Uint8Array).toString()).toBe(said)
      }
    }),
    { numRuns: 200 },
  )
})
