import { beforeAll, describe, expect, test } from '@jest/globals'
import { authenticate } from '../../../src/auth/authenticate.js'
import type { Remembered, ReplayStore } from '../../../src/auth/replay-store.js'
import { memoryReplayStore } from '../../../src/stores/memory/replay.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { sign, START } from '../jwt/tokens.js'
import { createClient, present, prove, said, setting, type Setting } from './proofs.js'

let known: Setting
beforeAll(async () => {
  known = await setting()
})

describe('a proof is good once', () => {
  test('whatever comes between, until it is too old by itself', async () => {
    const { scheme, token, client, clock } = await setting()
    const proof = await prove(client, token, { iat: START / 1_000 + 30 })
    expect(said(await present(scheme, token, proof))).toBe('accepted')
    for (const wait of [0, 1_000, 59_000, 59_999]) {
      await clock.advance(wait)
      expect(said(await present(scheme, token, proof))).toBe('replayed DPoP.jti')
    }
    await clock.advance(1)
    expect(said(await present(scheme, token, proof))).toBe('expired DPoP.iat')
  })

  test('is remembered for as long as any process may take it, its clock behind by the tolerance', async () => {
    const spans: number[] = []
    const replay: ReplayStore = { remember: (_id, _source, span) => (spans.push(span), 'fresh') }
    for (const options of [{}, { maxAge: '5m', clockTolerance: '1s' }] as const) {
      const { scheme, token, client } = await setting({ replay, ...options })
      await present(scheme, token, await prove(client, token))
    }
    expect(spans).toEqual([60_000 + 3 * 30_000, 300_000 + 3 * 1_000])
  })

  test('by its id: a second proof with the same id is a replay, another client\u2019s is not', async () => {
    const { scheme, token, client, signer } = await setting()
    const other = await createClient()
    const theirs = await sign(signer, { cnf: other.cnf })
    const claims = { jti: 'same' }
    expect(said(await present(scheme, token, await prove(client, token, claims)))).toBe('accepted')
    expect(said(await present(scheme, token, await prove(client, token, claims)))).toBe('replayed DPoP.jti')
    expect(said(await present(scheme, theirs, await prove(other, theirs, claims)))).toBe('accepted')
  })

  test('and leaves no trace where it was refused for something else', async () => {
    const { scheme, token, client } = await setting()
    const proof = await prove(client, token)
    expect(said(await present(scheme, token, proof, { method: 'PUT' }))).toBe('binding-failed DPoP.htm')
    expect(said(await present(scheme, token, proof))).toBe('accepted')
  })

  test('of many at once one is accepted', async () => {
    const { scheme, token, client } = await setting()
    const proof = await prove(client, token)
    const all = await Promise.all(Array.from({ length: 20 }, () => present(scheme, token, proof)))
    expect(all.filter(({ verdict }) => verdict === 'accepted')).toHaveLength(1)
  })

  test('one caller can not use up the memory of the others, whatever keys it makes', async () => {
    const clock = known.clock
    const { scheme, signer } = await setting({
      replay: memoryReplayStore({ clock, maxEntriesPerSource: 2 }),
    })
    const outcomes: string[] = []
    for (const sub of ['ann', 'ann', 'ann', 'bob']) {
      const client = await createClient()
      const token = await sign(signer, { sub, cnf: client.cnf })
      outcomes.push(said(await present(scheme, token, await prove(client, token))))
    }
    expect(outcomes).toEqual(['accepted', 'accepted', 'undecided', 'accepted'])
  })

  test('the store gets digests only', async () => {
    const given: string[] = []
    const replay: ReplayStore = { remember: (...args) => (given.push(String(args)), 'fresh') }
    const { scheme, token, client } = await setting({ replay })
    await present(scheme, token, await prove(client, token, { jti: 'mine' }))
    expect(given).toEqual([expect.stringMatching(/^[\w-]{43},[\w-]{43},\d+$/)])
  })
})

describe('what can not be decided is never accepted', () => {
  const answers: Record<string, ReplayStore['remember']> = {
    'a store that is away': () => Promise.reject(new Error('away')),
    'a store that throws': () => {
      throw new Error('away')
    },
    'a store that is full': () => 'full',
    'a store that answers nonsense': async () => 'OK' as Remembered,
    'a store that answers nothing': () => undefined as never,
  }
  test.each(Object.entries(answers))('%s: 503', async (_name, remember) => {
    const { scheme, token, client } = await setting({ replay: { remember } })
    const headers = { authorization: `DPoP ${token}`, dpop: await prove(client, token) }
    const reply = await authenticate([scheme]).handle(literalExchange({ headers }), async () => {
      throw new Error('it was let in')
    })
    expect(reply).toMatchObject({ kind: 'refusal', code: 'auth-unavailable', status: 503 })
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('a store that hangs: 503 at the deadline', async () => {
    const { scheme, token, client, clock } = await setting({
      replay: { remember: () => new Promise(() => undefined) },
      deadline: 100,
    })
    let outcome: unknown = 'still waiting'
    void present(scheme, token, await prove(client, token)).then((verdict) => (outcome = said(verdict)))
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(99)
    expect(outcome).toBe('still waiting')
    await clock.advance(1)
    expect(outcome).toBe('undecided')
  })
})
