import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { authenticate } from '../../src/auth/authenticate.js'
import { ANONYMOUS } from '../../src/auth/identity.js'
import { accepted, rejected, type Scheme, undecided } from '../../src/auth/scheme.js'
import { ANN, key, outcome, send, token } from './chain.js'

describe('a scheme that fails', () => {
  const sent = { headers: { authorization: 'Bearer good' } }

  test('never lets anyone in and never calls the credential bad', async () => {
    const broken: readonly Scheme[] = [
      failing(() => Promise.reject(new Error('away'))),
      failing(() => {
        throw new Error('away')
      }),
      failing(() => undefined as never),
      failing(() => ({ verdict: 'yes' }) as never),
      failing(() => ({ verdict: 'accepted' }) as never),
      failing(() => accepted({ ...ANN })),
      failing(() => accepted(Object.freeze({ scheme: 'token', subject: 'ann' }) as never)),
      failing(() => accepted(ANONYMOUS)),
      failing(() => rejected('malformed', { challenge: { error: 'a"b' } })),
      failing(() => undecided(Number.NaN)),
    ]
    for (const scheme of broken) {
      for (const mode of ['required', 'optional'] as const) {
        const { reply } = await send([scheme], sent, { mode })
        expect(reply).toMatchObject({ code: 'auth-unavailable', status: 503 })
        expect(reply.headers).toMatchObject({ 'retry-after': '5', 'cache-control': 'no-store' })
      }
    }
    expect(await outcome([{ ...token, claims: slip }, token], sent)).toBe('auth-unavailable')
  })

  test('tells the operator what it threw', async () => {
    const seen: unknown[] = []
    const error = new Error('away')
    const options = { onError: (thrown: unknown, scheme?: Scheme) => seen.push([thrown, scheme?.name]) }
    await send([failing(() => Promise.reject(error))], sent, {}, options)
    expect(seen).toEqual([[error, 'token']])
  })

  test('is undecided as ever where the operator throws on hearing of it', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    for (const onError of [slip, () => Promise.reject(new Error('slip'))] as (() => void)[]) {
      const { reply } = await send([failing(slip)], sent, {}, { onError })
      expect(reply).toMatchObject({ kind: 'refusal', code: 'auth-unavailable' })
    }
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('events', () => {
  test('name who came in and why others did not', async () => {
    const good = await send([token], { headers: { authorization: 'Bearer good' } })
    expect(good.exchange.events).toMatchObject([
      { type: 'auth.accepted', scheme: 'token', credentialId: 'token-1' },
    ])
    const bad = await send([token], { headers: { authorization: 'Bearer expired' } })
    expect(bad.exchange.events).toMatchObject([
      { type: 'auth.refused', code: 'credentials-invalid', scheme: 'token', reason: 'expired', at: 'exp' },
    ])
    const unknown = await send([token], { headers: { authorization: 'Basic x' } })
    expect(unknown.exchange.events).toMatchObject([{ code: 'credentials-invalid', reason: 'unknown-scheme' }])
    const none = await send([token], {})
    expect(none.exchange.events).toEqual([{ type: 'auth.refused', code: 'credentials-missing' }])
  })

  test('cut what a token names and take the control characters out of it', async () => {
    const { exchange } = await send([token], { headers: { authorization: 'Bearer elsewhere' } })
    const [event] = exchange.events as { received?: readonly string[] }[]
    expect(event?.received).toHaveLength(5)
    expect(event?.received?.[0]).toBe('line\u{fffd}break')
    expect(event?.received?.[1]).toHaveLength(256)
  })

  test('no credential, in whatever position, appears in a reply or an event', async () => {
    const secret = 'S3CRET'
    const place = fc.constantFrom('authorization', 'x-api-key')
    const shape = fc.constantFrom('Bearer *', '*', 'Basic *', 'Bearer *, Bearer *', '* Bearer', 'Bearer  *')
    await fc.assert(
      fc.asyncProperty(place, fc.array(shape, { minLength: 1, maxLength: 2 }), async (field, shapes) => {
        const lines = shapes.map((line) => line.replaceAll('*', secret))
        const { reply, exchange } = await send([token, key], { headers: { [field]: lines } })
        expect(reply.kind).toBe('refusal')
        expect(JSON.stringify([reply, exchange.events])).not.toContain(secret)
      }),
    )
  })
})

describe('any bytes as a credential', () => {
  test('give a verdict, never a throw', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `Bearer ${text}`),
    )
    const headers = fc.record({
      authorization: fc.array(line, { maxLength: 2 }),
      'x-api-key': fc.array(line, { maxLength: 2 }),
    })
    await fc.assert(
      fc.asyncProperty(headers, async (sent) => {
        const { reply } = await send([token, key], { headers: sent })
        expect([200, 400, 401, 503]).toContain(reply.status)
      }),
    )
  })
})

describe('options', () => {
  test('are checked at construction, by name', () => {
    const wrong: readonly [unknown, unknown, RegExp][] = [
      [[], {}, /schemes/],
      [undefined, {}, /schemes/],
      [[{}], {}, /schemes\[0\]/],
      [[{ ...token, name: '' }], {}, /schemes\[0\]\.name/],
      [[{ ...token, challenge: undefined }], {}, /challenge/],
      [[{ ...token, credential: { field: 'authorization' } }], {}, /authScheme/],
      [[{ ...key, credential: { field: 'x-api-key', authScheme: 'Bearer' } }], {}, /authScheme/],
      [[{ ...key, credential: { field: 'X-API-Key' } }], {}, /lower case/],
      [[token], { realm: 'a"b' }, /realm/],
      [[token], { realm: '' }, /realm/],
      [[token], { mode: 'none' }, /mode/],
      [[token], { ignore: 'basic' }, /ignore/],
      [[token], { onError: 1 }, /onError/],
      [[token], { moed: 'required' }, /moed/],
    ]
    for (const [schemes, options, message] of wrong) {
      expect(() => authenticate(schemes as never, options as never)).toThrow(message)
      expect(() => authenticate(schemes as never, options as never)).toThrow(TypeError)
    }
  })
})

function failing(verify: Scheme['verify']): Scheme {
  return { ...token, verify }
}

function slip(): never {
  throw new Error('slip')
}
