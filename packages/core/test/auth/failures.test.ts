import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { authenticate } from '../../src/auth/authenticate.js'
import type { AuthenticateOptions } from '../../src/auth/authenticate-options.js'
import type { FailureOptions } from '../../src/auth/failures.js'
import type { Scheme } from '../../src/auth/scheme.js'
import type { RateLimitCharge } from '../../src/rate-limit/store.js'
import type { Reply } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { StoreUnavailable } from '../../src/stores/unavailable.js'
import { literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { token } from './chain.js'

const MINUTE = 60_000

describe('bad credentials of an address', () => {
  test('are answered with 429 when there were too many, and not looked at any more', async () => {
    const { clock, looked, from, send } = service()
    for (let failure = 0; failure < 3; failure++) expect(await from('bad')).toBe(401)
    expect(looked()).toBe(3)
    const exchange = await send('good')
    expect(exchange.reply).toMatchObject({ code: 'quota-exceeded', status: 429 })
    expect(exchange.reply.headers).toEqual({ 'retry-after': '6', 'cache-control': 'no-store' })
    expect(exchange.events).toEqual([{ type: 'auth.refused', code: 'quota-exceeded' }])
    expect(looked()).toBe(3)

    await clock.advance(6_000)
    expect(await from('good')).toBe(200)
    expect(await from('bad')).toBe(401)
    expect(await from('good')).toBe(429)
  })

  test('are never more than the burst and what came back since, in any schedule', async () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 20_000 }), good: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, from } = service()
        const start = clock.now()
        let failures = 0
        for (const { after, good } of steps) {
          await clock.advance(after)
          const status = await from(good ? 'good' : 'bad')
          if (status === 401) failures += 1
          expect(failures).toBeLessThanOrEqual(3 + Math.floor((clock.now() - start) / 6_000))
        }
      }),
      { numRuns: 50 },
    )
  })

  test('are nobody else’s: another address comes in, and so does one who sends nothing bad', async () => {
    const { from } = service()
    for (let failure = 0; failure < 4; failure++) await from('bad')
    expect(await from('bad')).toBe(429)
    expect(await from('good', '203.0.113.8')).toBe(200)
    for (let request = 0; request < 20; request++) expect(await from('good', '203.0.113.9')).toBe(200)
  })

  test('are those of an IPv6 network: the addresses of one customer share them', async () => {
    const { from } = service()
    for (let host = 0; host < 3; host++) await from('bad', `2001:db8:0:ab0${host}::${host}`)
    expect(await from('good', '2001:db8:0:abff::9')).toBe(429)
    expect(await from('good', '2001:db8:0:b000::1')).toBe(200)
  })

  test('are no genuine ones that ended, none that can’t be decided, and no missing ones', async () => {
    const { from } = service()
    for (let request = 0; request < 10; request++) {
      expect(await from('expired')).toBe(401)
      expect(await from('away')).toBe(503)
      expect(await from(undefined)).toBe(401)
    }
    expect(await from('good')).toBe(200)
  })

  test('do not keep those out who need no credential', async () => {
    const { from } = service({}, { mode: 'optional' })
    for (let failure = 0; failure < 4; failure++) await from('bad')
    expect(await from('good')).toBe(429)
    expect(await from(undefined)).toBe(200)
  })

  test('are counted before the answer leaves: the next request of a pipeline finds them', async () => {
    const order: string[] = []
    const store = {
      consume: async ([charge]: readonly RateLimitCharge[]) => {
        await turnOfLoop()
        order.push(`cost ${charge?.cost}`)
        return { outcome: 'admitted', quotas: [{ remaining: 1, renewal: 0, wait: 0 }] } as const
      },
    }
    await service({ store }).from('bad')
    order.push('answer')
    expect(order).toEqual(['cost 0', 'cost 1', 'answer'])
  })
})

describe('credentials of an address that come at the same time', () => {
  test('are looked at no more often than it may fail, in any mix and in any store', async () => {
    const credential = fc.constantFrom('good', 'bad', 'forged', 'away', 'expired', 'throws')
    await fc.assert(
      fc.asyncProperty(fc.array(credential, { maxLength: 40 }), fc.nat(8), async (credentials, delay) => {
        const memory = memoryRateLimitStore()
        const store: FailureOptions['store'] = {
          async consume(charges) {
            const decision = await memory.consume(charges)
            // What is read takes its time, and is old when it comes; what is charged arrives at once.
            for (let turn = charges[0]?.cost === 0 ? delay : 0; turn > 0; turn--) await turnOfLoop()
            return decision
          },
        }
        const { from } = service({ store }, {}, later)
        const statuses = await Promise.all(credentials.map((each) => from(each)))
        const guesses = credentials.filter((each, index) => statuses[index] === 401 && each !== 'expired')
        expect(guesses).toHaveLength(Math.min(3, credentials.filter(isGuess).length))
        if (credentials.filter(isGuess).length < 3) expect(statuses).not.toContain(429)
      }),
      { numRuns: 60 },
    )
  })

  test('are all taken when they are good and known, however few failures are left', async () => {
    const memory = memoryRateLimitStore()
    let asked = 0
    const store: FailureOptions['store'] = {
      async consume(charges) {
        asked += 1
        await turnOfLoop()
        return memory.consume(charges)
      },
    }
    const { from } = service({ store })
    for (let failure = 0; failure < 2; failure++) await from('bad')
    asked = 0
    const statuses = await Promise.all(Array.from({ length: 500 }, () => from('good')))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(asked).toBe(500)
  })

  test('wait for one that hangs no longer than a second, and are asked to come back', async () => {
    const { clock, send } = service({}, {}, () => new Promise(() => {}))
    for (const hung of ['a', 'b', 'c']) void send(hung)
    await turnOfLoop()
    const waiting = send('good')
    await turnOfLoop()
    await clock.advance(1_000)
    expect((await waiting).reply).toMatchObject({ code: 'quota-exceeded', headers: { 'retry-after': '1' } })
    expect(clock.pending).toBe(0)
  })
})

describe('the store of failures', () => {
  test('while it is away this process counts alone, and says so without the error’s text', async () => {
    const away = Object.assign(new Error('redis://user:secret@host is away'), { code: 'ECONNREFUSED' })
    const { from, send } = service({ store: { consume: () => Promise.reject(away) } })
    const first = await send('bad')
    expect(first.events[0]).toEqual({ type: 'auth.store-failed', reason: 'ECONNREFUSED' })
    expect(await from('bad')).toBe(401)
    expect(await from('bad')).toBe(401)
    expect(await from('good')).toBe(429)
  })

  test('says why it gave no answer', async () => {
    const { send } = service({ store: { consume: () => Promise.reject(new StoreUnavailable('deadline')) } })
    expect((await send('bad')).events[0]).toEqual({ type: 'auth.store-failed', reason: 'deadline' })
  })

  test('never sees an address or a credential', async () => {
    const seen: string[] = []
    const store = {
      consume: (charges: readonly RateLimitCharge[]) => {
        seen.push(JSON.stringify(charges))
        return memoryRateLimitStore().consume(charges)
      },
    }
    await service({ store }).from('bad', '203.0.113.7')
    expect(seen).toHaveLength(2)
    expect(seen.join()).not.toMatch(/203\.0|bad|Bearer/)
  })
})

describe('options', () => {
  test('that can’t be right name themselves', () => {
    const good = { store: memoryRateLimitStore(), quota: { limit: 10, window: '1m' } }
    const wrong: readonly [object, string][] = [
      [{ quota: good.quota }, 'failures.store'],
      [{ ...good, quota: undefined }, 'failures.quota'],
      [{ ...good, quota: { limit: 0, window: '1m' } }, 'failures.quota.limit'],
      [{ ...good, quota: { limit: 10, window: 'soon' } }, 'failures.quota.window'],
      [{ ...good, quota: { limit: 1, window: 1e13 } }, 'failures.quota.window'],
      [{ ...good, quota: { limit: 10, window: '1m', burst: 0.5 } }, 'failures.quota.burst'],
      [{ ...good, quota: { limit: 10, window: '1m', name: 'x' } }, 'name'],
      [{ ...good, ipv6Prefix: 96 }, 'failures.ipv6Prefix'],
      [{ ...good, prefix: 56 }, 'prefix'],
    ]
    for (const [failures, option] of wrong) {
      expect(() => authenticate([token], { failures: failures as never })).toThrow(option)
    }
  })
})

/** Takes as many turns as the credential is long. */
const later: Scheme['verify'] = async (credential, exchange) => {
  for (let turn = 0; turn < credential.length; turn++) await turnOfLoop()
  return token.verify(credential, exchange)
}

function isGuess(credential: string): boolean {
  return credential === 'bad' || credential === 'forged'
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

interface Service {
  readonly clock: ManualClock
  /** How many credentials were looked at. */
  readonly looked: () => number
  /** The status of a request from an address. */
  readonly from: (credential: string | undefined, address?: string) => Promise<number>
  /** The same, with all that was answered and told. */
  readonly send: (
    credential: string | undefined,
  ) => Promise<Pick<LiteralExchange, 'events'> & { reply: Reply }>
}

/** Three failures at once, ten a minute. */
function service(
  failures: Partial<FailureOptions> = {},
  options: AuthenticateOptions = {},
  verify: Scheme['verify'] = (credential, exchange) => token.verify(credential, exchange),
): Service {
  const clock = new ManualClock()
  let looked = 0
  const counting: Scheme = {
    ...token,
    verify(credential, exchange) {
      looked += 1
      return verify(credential, exchange)
    },
  }
  const quota = { limit: 10, window: MINUTE, burst: 3 }
  const policy = authenticate([counting], {
    ...options,
    failures: { store: memoryRateLimitStore({ clock }), quota, clock, ...failures },
  })
  const send = async (credential: string | undefined, address = '203.0.113.7') => {
    const headers = credential === undefined ? {} : { authorization: `Bearer ${credential}` }
    const exchange = literalExchange({ address, headers })
    const answer = { kind: 'answer', status: 200, headers: {}, body: null } as const
    return { events: exchange.events, reply: await policy.handle(exchange, () => Promise.resolve(answer)) }
  }
  return {
    clock,
    looked: () => looked,
    send,
    from: async (credential, address) => (await send(credential, address)).reply.status,
  }
}
