import { describe, expect, test } from '@jest/globals'
import { apiKey } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../../src/auth/api-key-memory.js'
import { authenticate } from '../../src/auth/authenticate.js'
import { basic } from '../../src/auth/basic/basic.js'
import { hashPassword } from '../../src/auth/basic/password.js'
import type { Scheme } from '../../src/auth/scheme.js'
import { composeGate } from '../../src/gate.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ACTIVE, resultOf as outcomeOf, server, TOKEN } from './introspection/server.js'
import { createSigner, resultOf, sign, verifier } from './jwt/tokens.js'

const ANSWER: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

describe('the tier of a caller', () => {
  test('comes from the claim of a token that `tierClaim` names, and from no other', async () => {
    const signer = await createSigner()
    const token = await sign(signer, { plan: 'gold', tier: 'none' })
    expect(await tierOf(verifier([signer], { tierClaim: 'plan' }), token)).toBe('gold')
    expect(await tierOf(verifier([signer]), token)).toBeUndefined()
    expect(await tierOf(verifier([signer], { tierClaim: 'level' }), token)).toBeUndefined()
    for (const plan of [7, '', ['gold'], null]) {
      const odd = await sign(signer, { plan })
      expect(await resultOf(verifier([signer], { tierClaim: 'plan' }), odd)).toBe('malformed')
    }
  })

  test('comes from the member of an introspection answer that `tierClaim` names', async () => {
    const good = await server({ ...ACTIVE, plan: 'gold' }, { tierClaim: 'plan' }).ask(TOKEN)
    expect(good).toMatchObject({ identity: { tier: 'gold' } })
    const odd = await server({ ...ACTIVE, plan: 7 }, { tierClaim: 'plan' }).ask(TOKEN)
    expect(outcomeOf(odd)).toBe('malformed')
  })

  test("comes from a user's record", async () => {
    const record = { passwordHash: await hashPassword('x'), tier: 'gold' }
    const scheme = basic({ lookup: () => record })
    expect(await tierOf(scheme, Buffer.from('ann:x').toString('base64'))).toBe('gold')
  })

  test('is what a limit asks for: each key of a tier has its own', async () => {
    const keys = { gold: 'a-key-of-the-gold-tier', free: 'a-key-of-the-free-tier' }
    const records = Object.entries(keys).map(([tier, key]) => {
      return { digest: apiKeyDigest(key), keyId: tier, subject: `${tier}-bot`, tier }
    })
    const clock = new ManualClock()
    const gate = composeGate([
      authenticate([apiKey({ lookup: memoryApiKeys(records), clock })]),
      rateLimit({
        store: memoryRateLimitStore({ clock }),
        quotas: [
          {
            name: 'plan',
            limit: (identity) => (identity?.tier === 'gold' ? 5 : 2),
            window: '1h',
            algorithm: 'fixed-window',
          },
        ],
      }),
    ])
    const admitted = async (key: string): Promise<number> => {
      let count = 0
      for (let request = 0; request < 8; request++) {
        const exchange = literalExchange({ headers: { 'x-api-key': key } })
        const reply = await gate(exchange, async () => ANSWER)
        if (reply.kind === 'answer') count += 1
      }
      return count
    }
    expect([await admitted(keys.gold), await admitted(keys.free)]).toEqual([5, 2])
  })
})

async function tierOf(scheme: Scheme, credential: string): Promise<string | undefined> {
  const verdict = await scheme.verify(credential, literalExchange())
  if (verdict.verdict !== 'accepted') throw new Error('refused')
  return verdict.identity.tier
}
