import { describe, expect, test } from '@jest/globals'
import { authenticate } from '../../src/auth/authenticate.js'
import { ANONYMOUS } from '../../src/auth/identity.js'
import { ANN, outcome, send, token } from './chain.js'

const good = { headers: { authorization: 'Bearer good' } }

describe('can', () => {
  test('is asked who wants what, once everything else allows it', async () => {
    const asked: unknown[] = []
    const can = (...question: unknown[]): boolean => asked.push(question) > 0
    const { exchange } = await send([token], good, {}, { can })
    expect(asked).toEqual([[ANN, exchange.operation]])
    expect(exchange.identity).toBe(ANN)
    await send([token], good, { scopes: ['write'] }, { can })
    await send([token], { headers: { authorization: 'Bearer bad' } }, {}, { can })
    expect(asked).toHaveLength(1)
  })

  test('may wait, and its no is 403 in the challenge of the caller’s own scheme', async () => {
    for (const can of [() => false, () => Promise.resolve(false)]) {
      const { reply, exchange } = await send([token], good, { scopes: ['read'] }, { can })
      expect(reply).toMatchObject({ code: 'scope-insufficient', status: 403 })
      expect(reply.headers['www-authenticate']).toBe('Bearer realm="api", error="insufficient_scope"')
      expect(exchange.identity).toBeUndefined()
    }
    expect(await outcome([token], good, {}, { can: () => Promise.resolve(true) })).toBe('ann')
  })

  test('is asked about the anonymous caller too, and its no is 401 there', async () => {
    for (const mode of ['optional', 'anonymous'] as const) {
      expect(await outcome([token], {}, { mode }, { can: isNamed })).toBe('credentials-missing')
    }
    expect(await outcome([token], good, { mode: 'optional' }, { can: isNamed })).toBe('ann')
  })

  test('lets nobody in by a slip: what it throws, and what is no answer, is 503 and told', async () => {
    const slips: readonly (() => never)[] = [
      () => {
        throw new Error('away')
      },
      () => Promise.reject(new Error('away')) as never,
      () => undefined as never,
      () => 'yes' as never,
      () => 1 as never,
    ]
    for (const can of slips) {
      const seen: unknown[] = []
      const onError = (error: unknown, scheme?: { name: string }): unknown =>
        seen.push([String(error), scheme?.name])
      const { reply } = await send([token], good, {}, { can, onError })
      expect(reply).toMatchObject({ code: 'auth-unavailable', status: 503 })
      expect(seen).toEqual([[expect.stringMatching(/away|can must return/), 'token']])
    }
  })

  test('must be a function', () => {
    expect(() => authenticate([token], { can: true as never })).toThrow('authenticate: can')
  })
})

function isNamed(identity: unknown): boolean {
  return identity !== ANONYMOUS
}
