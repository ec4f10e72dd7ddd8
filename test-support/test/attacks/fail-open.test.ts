import { apiKeyDigest, type ApiKeyLookup, type ApiKeyRecord } from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { describe, expect, test } from '@jest/globals'
import { adding, PROTOCOLS } from '../../attacks/protocols.js'
import { NOTHING_DONE } from '../../attacks/service.js'
import { API_KEY, OPAQUE, type Target } from '../../attacks/target.js'
import { useTargets } from '../../attacks/use-targets.js'
import { codeOf } from '../../attacks/wire.js'

const open = useTargets()

function never(): never {
  throw new Error('away')
}

function anotherKey(): ApiKeyRecord {
  return { digest: apiKeyDigest('another key'), keyId: 'k', subject: 'ann' }
}

const LOOKUPS: Readonly<Record<string, ApiKeyLookup>> = {
  throws: never,
  rejects: () => Promise.reject(new Error('away')),
  'gives nonsense': () => ({ subject: 'ann' }) as never,
  'gives text': () => 'ann' as never,
  'gives true, later': async () => true as never,
}

describe.each(PROTOCOLS)('over $name, fail-open', (protocol) => {
  const refusesAll = async (
    away: Target,
    field: readonly [string, string],
    code: string,
    status = 503,
  ): Promise<void> => {
    for (const wish of ['me', 'open', 'create'] as const) {
      const got = await away.send(protocol.ask(wish), field)
      expect([wish, got.status, codeOf(got)]).toEqual([wish, status, code])
      if (status === 503) expect(Number(got.fields['retry-after'])).toBeGreaterThanOrEqual(1)
    }
    expect(away.done).toEqual(NOTHING_DONE)
  }

  test.each(['refused', 'failing', 'garbage', 'redirecting', 'huge'] as const)(
    'the keys: %s',
    async (keys) => {
      const away = await open({ keys })
      await refusesAll(away, await away.bearer(), 'auth-unavailable')
    },
  )

  test.each(['refused', 'failing', 'garbage', 'redirecting', 'huge'] as const)(
    'the introspection endpoint: %s',
    async (how) => {
      const away = await open()
      await away.introspection.become(how)
      await refusesAll(away, ['Authorization', `Bearer ${OPAQUE}`], 'auth-unavailable')
    },
  )

  test.each(Object.entries(LOOKUPS))('the key store: %s', async (_how, lookup) => {
    await refusesAll(await open({ lookup }), ['X-API-Key', API_KEY], 'auth-unavailable')
  })

  test('the key store: gives the record of another key', async () => {
    await refusesAll(await open({ lookup: anotherKey }), ['X-API-Key', API_KEY], 'credentials-invalid', 401)
  })

  test('the owner’s own hook', async () => {
    for (const can of [never, () => Promise.reject(new Error('away')), () => 'yes' as never]) {
      const away = await open({ authentication: { can } })
      await refusesAll(away, ['X-API-Key', API_KEY], 'auth-unavailable')
    }
  })

  test('the store of budgets, where it is denied', async () => {
    const budgets = { consume: never, settle: never, block: never }
    const away = await open({ budgets, limit: { onStoreDown: 'deny' } })
    await refusesAll(away, ['X-API-Key', API_KEY], 'rate-limit-unavailable')
  })

  test('the store of budgets, where this process goes on alone', async () => {
    const budgets = { consume: async () => never(), settle: never, block: never }
    const quotas = [
      { name: 'caller', limit: 40, window: '1h', burst: 40 },
      { name: 'sign-in', limit: 40, window: '1h', burst: 40, key: 'ip', declared: true },
    ] as const
    const away = await open({ budgets, limit: { quotas, expectedProcesses: 4 } })
    const got = await away.pipeline(
      Array.from({ length: 40 }, () => adding(protocol.ask('create'), ['X-API-Key', API_KEY])),
    )
    expect(got.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(30)
    expect(away.done.create).toBeLessThanOrEqual(10)
  })

  test('the store of idempotency keys', async () => {
    const claims = Object.fromEntries(
      ['claim', 'begin', 'renew', 'complete', 'release', 'withdraw'].map((name) => [
        name,
        async () => never(),
      ]),
    ) as never
    const away = await open({ claims })
    const asked = adding(protocol.ask('create'), ['X-API-Key', API_KEY], ['Idempotency-Key', 'k-1'])
    const got = await away.send(asked)
    expect([got.status, codeOf(got)]).toEqual([503, 'idempotency-store-unavailable'])
    expect(away.done.create).toBe(0)
  })

  test('the store of answers: the service answers for itself', async () => {
    const away = await open({ answers: { lookup: never, fill: never, invalidate: never } })
    for (const times of [1, 2]) {
      expect((await away.send(protocol.ask('me'), ['X-API-Key', API_KEY])).text).toContain('ann')
      expect(away.done.me).toBe(times)
    }
  })

  test('the store of failed credentials: guesses are still counted', async () => {
    const store = { consume: async () => never() }
    const quota = { limit: 10, window: '1h', burst: 3 } as const
    const clock = new ManualClock()
    const away = await open({ authentication: { failures: { store, quota, clock } } })
    const guesses = Array.from({ length: 20 }, (_, index) =>
      adding(protocol.ask('me'), ['X-API-Key', `hg_guess_${index}_0123456789`]),
    )
    const statuses = (await away.pipeline(guesses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(3)
    expect(statuses.slice(3).every((status) => status === 429)).toBe(true)
  })
})
