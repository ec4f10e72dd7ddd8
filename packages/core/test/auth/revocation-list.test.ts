import { beforeAll, describe, expect, test } from '@jest/globals'
import { apiKey } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../../src/auth/api-key-memory.js'
import { createIdentity } from '../../src/auth/identity.js'
import { type RevocationList, revocationList } from '../../src/auth/revocation-list.js'
import type { Revocation } from '../../src/auth/revoked-set.js'
import type { Verdict } from '../../src/auth/scheme.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ACTIVE, ENDPOINT, server, TOKEN } from './introspection/server.js'
import { createSigner, ISSUER, sign, type Signer, START, verifier } from './jwt/tokens.js'

let signer: Signer
beforeAll(async () => {
  signer = await createSigner()
})

const KEY = 'a-key-of-some-bot-0001'
const EXP = START + 600_000

describe('a revoked credential is refused from the next request on', () => {
  test('by its id', async () => {
    const list = revocationList({ clock: new ManualClock(START) })
    const ask = await accepted(list)
    list.revoke({ credentialId: 'token-1', issuer: ISSUER, until: EXP })
    expect(resultOf(await ask.jwt())).toBe('revoked')
    list.revoke({ credentialId: 'k1' })
    expect(resultOf(await ask['api-key']())).toBe('revoked')
    expect(resultOf(await ask['api-key, looked up']())).toBe('revoked')
    expect(resultOf(await ask.introspection())).toBe('accepted')
    list.revoke({ credentialId: 't-1', issuer: ENDPOINT })
    expect(resultOf(await ask.introspection())).toBe('revoked')
    expect(await ask.introspection()).toEqual({ verdict: 'rejected', reason: 'revoked', genuine: true })
  })

  test('by its subject and the time it was issued; one that does not say when is refused too', async () => {
    const list = revocationList({ clock: new ManualClock(START) })
    const ask = await accepted(list)
    list.revoke({ subject: 'ann', issuer: ISSUER, issuedBefore: START })
    expect(resultOf(await ask.jwt())).toBe('accepted')
    list.revoke({ subject: 'ann', issuer: ISSUER, issuedBefore: START + 1 })
    expect(resultOf(await ask.jwt())).toBe('revoked')
    list.revoke({ subject: 'ann', issuer: ENDPOINT, issuedBefore: START + 1 })
    expect(resultOf(await ask.introspection())).toBe('revoked')
    list.revoke({ subject: 'bot' })
    expect(resultOf(await ask['api-key']())).toBe('accepted')
    list.revoke({ subject: 'bot', tenant: 'acme', issuedBefore: START })
    expect(resultOf(await ask['api-key']())).toBe('revoked')
  })

  test('and stays so until no verifier would take it any more, whatever its clock tolerance', async () => {
    const clock = new ManualClock(START)
    const list = revocationList({ clock, maxEntries: 1 })
    const ask = await accepted(list, clock)
    list.revoke({ credentialId: 'token-1', issuer: ISSUER, until: EXP })
    clock.step(EXP + 299_999)
    // Full, and nothing has ended: the newcomer is refused, loudly.
    expect(() => list.revoke({ credentialId: 'other' })).toThrow(RangeError)
    expect(resultOf(await ask.jwt())).toBe('revoked')
    clock.step(EXP + 300_000)
    list.revoke({ credentialId: 'other' })
    expect(resultOf(await ask.jwt())).toBe('expired')
  })

  test('of somebody else is none of theirs', () => {
    const list = revocationList()
    list.revoke({ credentialId: 'id', issuer: 'https://a.example' })
    list.revoke({ subject: 'ann', issuer: 'https://a.example', tenant: 't' })
    const others = [
      { credentialId: 'id' },
      { credentialId: 'id', issuer: 'https://b.example' },
      { credentialId: 'other', issuer: 'https://a.example' },
      { subject: 'ann', issuer: 'https://a.example' },
      { subject: 'ann', issuer: 'https://a.example', tenant: 'u' },
      { subject: 'ann', tenant: 't' },
      { subject: 'id', issuer: 'https://a.example', credentialId: 'ann' },
    ]
    for (const one of others) {
      expect(list.isRevoked(createIdentity({ scheme: 'jwt', subject: 'x', ...one }))).toBe(false)
    }
  })

  test('a promise for an answer lets nobody in', async () => {
    const isRevoked = (async () => false) as never
    const lookup = memoryApiKeys([{ digest: apiKeyDigest(KEY), keyId: 'k1', subject: 'bot' }])
    expect(() => apiKey({ lookup, isRevoked }).verify(KEY, literalExchange())).toThrow(/apiKey: isRevoked/)
    await expect(server(ACTIVE, { isRevoked }).ask(TOKEN)).rejects.toThrow(/introspection: isRevoked/)
    expect(() => apiKey({ lookup, isRevoked: true as never })).toThrow(/isRevoked/)
  })
})

test('options that can not be right name themselves', () => {
  const load = noNews
  const wrong: readonly [object, RegExp][] = [
    [{ maxEntries: 0 }, /maxEntries/],
    [{ most: 1 }, /most/],
    [{ clock: {} }, /clock/],
    [{ onEvent: 1 }, /onEvent/],
    [{ feed: {} }, /feed\.load/],
    [{ feed: { load, every: 0 } }, /feed\.every/],
    [{ feed: { load, deadline: '1' } }, /feed\.deadline/],
    [{ feed: { load, maxAge: '14s' } }, /feed\.maxAge/],
    [{ feed: { load, whenStale: 'ignore' } }, /feed\.whenStale/],
    [{ feed: { load, interval: 1 } }, /interval/],
  ]
  for (const [options, message] of wrong) {
    expect(() => revocationList(options as never)).toThrow(TypeError)
    expect(() => revocationList(options as never)).toThrow(message)
  }
  revocationList({ feed: { load, maxAge: 14_001 } }).close()
  expect(() => revocationList().revoke({ credentialId: '' })).toThrow(TypeError)
})

/** Each scheme with a credential it has accepted before, and so remembers. */
async function accepted(list: RevocationList, clock = new ManualClock(START)) {
  const { isRevoked } = list
  const token = await sign(signer)
  const jwt = verifier([signer], { isRevoked, clock, clockTolerance: '5m' })
  const records = [{ digest: apiKeyDigest(KEY), keyId: 'k1', subject: 'bot', tenant: 'acme' }]
  const remembered = memoryApiKeys(records)
  const lookup = async (query: Parameters<typeof remembered>[0]) => remembered(query)
  const [key, keyLater] = [apiKey({ lookup: remembered, isRevoked }), apiKey({ lookup, isRevoked })]
  const opaque = server(ACTIVE, { isRevoked })
  const ask = {
    jwt: async () => jwt.verify(token, literalExchange()),
    'api-key': async () => key.verify(KEY, literalExchange()),
    'api-key, looked up': async () => keyLater.verify(KEY, literalExchange()),
    introspection: async () => opaque.ask(TOKEN),
  }
  for (const one of Object.values(ask)) expect(resultOf(await one())).toBe('accepted')
  return ask
}

async function noNews(): Promise<Revocation[]> {
  return []
}

function resultOf(verdict: Verdict): string {
  return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
}
