import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { KeyRecord } from '../../../src/auth/jwt/key-record.js'
import type { FoundKey } from '../../../src/auth/jwt/key-source.js'
import { COOLDOWN, DEADLINE, loaded, MAX_AGE, MINUTE } from './endpoint.js'

describe('under any schedule of rotations, outages, hangs, floods and time', () => {
  const action = fc.oneof(
    fc.record({ ask: fc.constantFrom('a', 'b', 'c', 'junk') }),
    fc.record({ wait: fc.integer({ min: 1, max: 15 * MINUTE }) }),
    fc.record({ mode: fc.constantFrom('up', 'slow', 'down', 'hung') }),
    fc.record({ publish: fc.subarray(['a', 'b', 'c'], { minLength: 1 }) }),
  )

  test('removed keys end, known keys do not wait, and fetches are bounded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const { endpoint, keeper } = await loaded(['a', 'b'])
        let upSince = endpoint.clock.now()
        let publishedAt = endpoint.clock.now()
        let demandedAt = Number.NEGATIVE_INFINITY
        let everLoaded: readonly string[] = endpoint.kids
        for (const step of actions) {
          const before = { fetches: endpoint.fetches, time: endpoint.clock.now() }
          if ('wait' in step) await endpoint.clock.advance(step.wait)
          if ('mode' in step) {
            if (endpoint.mode !== 'up' && step.mode === 'up') upSince = endpoint.clock.now()
            endpoint.mode = step.mode
          }
          if ('publish' in step) {
            endpoint.kids = step.publish
            publishedAt = endpoint.clock.now()
          }
          if ('ask' in step) {
            const known = keeper.find(step.ask, 'ES256')
            // What an unknown key id sets off; the refresh has a lane of its own.
            if (endpoint.fetches > before.fetches) {
              expect(before.time - demandedAt).toBeGreaterThanOrEqual(COOLDOWN)
              demandedAt = before.time
            }
            const [found] = await Promise.all([known, endpoint.clock.advance(DEADLINE)])
            const now = endpoint.clock.now()
            const settled =
              endpoint.mode === 'up' && now - Math.max(upSince, publishedAt) > MAX_AGE + COOLDOWN
            if (settled && !endpoint.kids.includes(step.ask)) expect(found).toBe('unknown')
            if (settled && endpoint.kids.includes(step.ask)) expect(found).toMatchObject({ kid: step.ask })
            if (settled && isRecord(found)) expect(known).toBe(found)
            if (isRecord(found)) expect(everLoaded).toContain(step.ask)
          }
          everLoaded = [...new Set([...everLoaded, ...endpoint.kids])]
          // The backoff's shortest waits come once per outage; then half a cooldown is the least.
          const elapsed = endpoint.clock.now() - before.time
          expect(endpoint.fetches - before.fetches).toBeLessThanOrEqual(8 + elapsed / (COOLDOWN / 2))
        }
        keeper.close()
        expect(endpoint.clock.pending).toBeLessThanOrEqual(1) // A hung fetch's own deadline.
      }),
      { numRuns: 60 },
    )
  })
})

function isRecord(found: FoundKey): found is KeyRecord {
  return typeof found === 'object' && 'kid' in found
}
