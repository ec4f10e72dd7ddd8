import { describe, expect, test } from '@jest/globals'
import { parseList } from 'structured-headers'
import { createIdentity } from '../../src/auth/identity.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { type ExchangeInit, literalExchange } from '../../src/testing/exchange.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const QUOTAS: readonly Quota[] = [
  { name: 'own', limit: 60, window: '1m', burst: 6 },
  { name: 'all', limit: 600, window: '1m', burst: 60, key: 'global' },
]
const SECRET = 'a secret of thirty-two bytes, or more'

function setUp(options: Partial<RateLimitOptions> = {}) {
  const policy = rateLimit({ store: memoryRateLimitStore(), quotas: QUOTAS, ...options })
  return async (init: ExchangeInit = {}) => {
    const { headers } = await policy.handle(literalExchange(init), () => Promise.resolve(OK))
    return headers
  }
}

/** The partition keys of a field, in hexadecimal. */
function keysIn(field: unknown): readonly (string | undefined)[] {
  return parseList(String(field)).map(([, parameters]) => {
    const key = parameters.get('pk')
    return key instanceof ArrayBuffer ? Buffer.from(key).toString('hex') : undefined
  })
}

const of = (subject: string): ExchangeInit => ({ identity: createIdentity({ scheme: 'jwt', subject }) })

describe('partition keys', () => {
  test('are not there by default', async () => {
    expect((await setUp()(of('ann')))['ratelimit']).toBe('"own";r=5;t=1, "all";r=59;t=1')
  })

  test('say in both fields whose budget each is', async () => {
    const send = setUp({ partitionSecret: SECRET })
    const [ann, bob] = [await send(of('ann')), await send(of('bob'))]
    const [own, all] = keysIn(ann['ratelimit'])
    expect(own).toMatch(/^[0-9a-f]{24}$/)
    expect(keysIn(ann['ratelimit-policy'])).toEqual([own, all])
    expect(keysIn((await send(of('ann')))['ratelimit'])).toEqual([own, all])
    expect(keysIn(bob['ratelimit'])[0]).not.toBe(own)
    expect(keysIn(bob['ratelimit'])[1]).toBe(all)
  })

  test('are the same wherever the secret is, and say nothing to those who do not have it', async () => {
    const here = await setUp({ partitionSecret: SECRET })(of('ann'))
    const there = await setUp({ partitionSecret: Buffer.from(SECRET) })(of('ann'))
    const elsewhere = await setUp({ partitionSecret: `${SECRET}.` })(of('ann'))
    expect(keysIn(there['ratelimit'])).toEqual(keysIn(here['ratelimit']))
    expect(keysIn(elsewhere['ratelimit'])).not.toEqual(keysIn(here['ratelimit']))
  })

  test('are on a denial too, and in the older fields never', async () => {
    const send = setUp({ partitionSecret: SECRET, headers: 'both' })
    for (let times = 0; times < 6; times += 1) await send(of('ann'))
    const denied = await send(of('ann'))
    expect(denied['retry-after']).toBe('1')
    expect(keysIn(denied['ratelimit'])).not.toContain(undefined)
    expect(denied['x-ratelimit-remaining']).toBe('0')
    const older = await setUp({ partitionSecret: SECRET, headers: 'legacy' })(of('ann'))
    expect(JSON.stringify(older)).not.toContain('pk')
  })

  test.each<[unknown, RegExp]>([
    ['too short', /partitionSecret must have at least 32 bytes/],
    [new Uint8Array(31), /partitionSecret must have at least 32 bytes/],
    [7, /partitionSecret must be a string or bytes/],
  ])('%p is no secret', (partitionSecret, message) => {
    expect(() => setUp({ partitionSecret: partitionSecret as string })).toThrow(TypeError)
    expect(() => setUp({ partitionSecret: partitionSecret as string })).toThrow(message)
  })
})
