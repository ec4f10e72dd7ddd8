import { expect, test } from '@jest/globals'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import { redisRateLimitStore } from '../../../src/stores/redis/index.js'
import { connect, PATIENT } from './clients.js'

const MINUTE = 60_000_000

function charge(key: string, init: Partial<RateLimitCharge> = {}): RateLimitCharge {
  return { quota: 'burst', key, interval: MINUTE, burst: 5, cost: 1, ...init } as RateLimitCharge
}

function isPlain(value: string): boolean {
  return value.startsWith('\u0001') && value.endsWith('60000000 5 gburst\n')
}

describeRedis('the plain form of a value', () => {
  const server = useRedis()
  const open = async () => redisRateLimitStore(await connect(server().port), PATIENT)
  const value = async (key: string) => String(await server().command('GET', `headgate:{${key}}`))
  const lives = async (key: string) => Number(await server().command('PTTL', `headgate:{${key}}`))

  test('a value lives until its last budget is full, whichever plan was charged last', async () => {
    const store = await open()
    const slow = charge('ttl', { quota: 'slow', interval: 60 * MINUTE })
    await store.consume([charge('ttl', { cost: 2 })])
    expect(await lives('ttl')).toBeGreaterThan(110_000)
    expect(await lives('ttl')).toBeLessThanOrEqual(120_001)
    await store.consume([slow])
    await store.consume([charge('ttl')])
    expect(await lives('ttl')).toBeGreaterThan(3_590_000)
    expect(await lives('ttl')).toBeLessThanOrEqual(3_600_001)
  })

  test('a denial and a look leave every byte as it was, of another plan too', async () => {
    const store = await open()
    const wide = charge('same', { quota: 'wide', burst: 100 })
    await store.consume([charge('same', { burst: 1 }), wide])
    const before = await server().command('DUMP', 'headgate:{same}')
    expect((await store.consume([charge('same', { burst: 1 }), wide])).outcome).toBe('denied')
    expect((await store.consume([charge('same', { burst: 1 })])).outcome).toBe('denied')
    expect((await store.consume([wide, charge('same', { burst: 1 })])).outcome).toBe('denied')
    expect((await store.consume([{ ...wide, cost: 0 }])).outcome).toBe('admitted')
    expect(await server().command('DUMP', 'headgate:{same}')).toEqual(before)
  })

  test('what is plain again is written plainly: after a settled reservation, after a lifted block', async () => {
    const store = await open()
    await store.consume([charge('again')])
    expect(isPlain(await value('again'))).toBe(true)
    const decision = await store.consume([charge('again')], { reserve: 60_000 })
    expect(isPlain(await value('again'))).toBe(false)
    if (decision.outcome === 'admitted' && decision.receipt !== undefined) {
      await store.settle(decision.receipt, [0])
    }
    expect(isPlain(await value('again'))).toBe(true)
    await store.block('again', 60_000)
    expect(isPlain(await value('again'))).toBe(false)
    await store.block('again', 0)
    expect(isPlain(await value('again'))).toBe(true)
    const look = await store.consume([charge('again', { cost: 0 })])
    expect(look.quotas).toMatchObject([{ remaining: 4 }])
  })

  test('more budgets than the plain form holds are kept all the same', async () => {
    const store = await open()
    for (let index = 0; index < 50; index += 1) {
      await store.consume([charge('many', { quota: `quota ${index}`, cost: 1 + (index % 2) })])
    }
    const looks = await store.consume(
      Array.from({ length: 50 }, (_, index) => charge('many', { quota: `quota ${index}`, cost: 0 })),
    )
    expect(looks.quotas.map(({ remaining }) => remaining)).toEqual(
      Array.from({ length: 50 }, (_, index) => 4 - (index % 2)),
    )
  })

  test.each([
    '\u0000',
    '\u0001',
    '\u0001abc',
    '\u0002 60000000 5 gburst\n',
    `\u0001${'x'.repeat(40)}`,
    'n',
    '',
  ])('a value that is no budget fails the call and is left alone: %j', async (foreign) => {
    const store = await open()
    await server().command('SET', 'headgate:{foreign}', foreign)
    await expect(store.consume([charge('foreign')])).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.block('foreign', 1_000)).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(await server().command('GET', 'headgate:{foreign}')).toBe(foreign)
  })
})
