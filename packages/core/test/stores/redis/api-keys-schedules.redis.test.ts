import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { redisApiKeys } from '../../../src/stores/redis/index.js'
import { issue, schemeOf } from './api-keys.js'
import { connect, PATIENT } from './clients.js'

const any = fc.nat(2)
const step = fc.oneof(
  fc.record({ put: any, id: any, subject: fc.constantFrom('ann', 'bob') }),
  fc.record({ ask: any }),
  fc.record({ revoke: any }),
  fc.record({ retire: any }),
)

describeRedis('any schedule of puts, revocations and retirements', () => {
  const server = useRedis()

  test('is decided as a plain model decides it', async () => {
    const [one, other] = [await connect(server().port), await connect(server().port)]
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
        run += 1
        const options = { ...PATIENT, prefix: `model-${run}:` }
        const [even, odd] = [redisApiKeys(one, options), redisApiKeys(other, options)]
        const issued = [issue(), issue(), issue()]
        const model = new Map<number, { subject: string; revoked: boolean }>()
        const ids = new Map<number, number>()
        for (const [turn, action] of steps.entries()) {
          const keys = turn % 2 === 0 ? even : odd
          if ('put' in action) {
            const { put, id, subject } = action
            const { digest } = (issued[put] ?? issue()).record
            const owner = ids.get(id)
            const outcome = await keys.put({ digest, keyId: `id-${id}`, subject })
            if (owner !== undefined && owner !== put) {
              expect(outcome).toBe('id-taken')
              continue
            }
            const revoked = model.get(put)?.revoked ?? false
            expect(outcome).toBe(revoked ? 'revoked' : 'stored')
            ids.set(id, put)
            model.set(put, { subject, revoked })
          } else if ('ask' in action) {
            const { key } = (issued[action.ask] ?? issue()).issued
            const verdict = await schemeOf(keys).verify(key, {} as never)
            const known = model.get(action.ask)
            if (known === undefined) expect(verdict).toMatchObject({ reason: 'unknown-key' })
            else if (known.revoked) expect(verdict).toMatchObject({ reason: 'revoked' })
            else expect(verdict).toMatchObject({ identity: { subject: known.subject } })
          } else if ('revoke' in action) {
            const known = model.get(ids.get(action.revoke) ?? -1)
            expect(await keys.revoke(`id-${action.revoke}`)).toBe(known !== undefined)
            if (known !== undefined) known.revoked = true
          } else {
            const isKnown = ids.has(action.retire)
            expect(await keys.retire(`id-${action.retire}`, '1h')).toBe(isKnown)
          }
        }
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
