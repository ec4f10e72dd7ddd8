import { describe, expect, test } from '@jest/globals'
import { apiKey } from '../../src/auth/api-key.js'
import { createApiKey } from '../../src/auth/api-key-form.js'
import { authenticate } from '../../src/auth/authenticate.js'
import { basic } from '../../src/auth/basic/basic.js'
import { dpop } from '../../src/auth/dpop/dpop.js'
import { introspection } from '../../src/auth/introspection/introspection.js'
import { jwt } from '../../src/auth/jwt/jwt.js'
import type { RateLimitCharge } from '../../src/rate-limit/store.js'
import { memoryReplayStore } from '../../src/stores/memory/replay.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const MARK = 'm4rkedSecret0123456789'
const KEY = createApiKey('hg').key

describe('a secret in any place for credentials', () => {
  const places: readonly [string, Readonly<Record<string, string | readonly string[]>>][] = [
    ['an opaque token', { authorization: `Bearer ${MARK}` }],
    [
      'a JWT of nobody',
      { authorization: `Bearer ${encode('{"alg":"none"}')}.${encode(`{"iss":"${MARK}x"}`)}.${MARK}` },
    ],
    ['a name and a password', { authorization: `Basic ${encode(`${MARK}:${MARK}`)}` }],
    ['an unknown scheme', { authorization: `${MARK} ${MARK}` }],
    ['a bound token, and a proof', { authorization: `DPoP ${MARK}`, dpop: MARK }],
    ['a proof that says it everywhere', { authorization: `DPoP ${MARK}`, dpop: proofOf(MARK) }],
    ['a foreign key', { 'x-api-key': MARK }],
    ['a key with a typo', { 'x-api-key': `${KEY}${MARK}` }],
    ['two credentials', { authorization: `Bearer ${MARK}`, 'x-api-key': [MARK, KEY] }],
  ]
  for (const [title, headers] of places) {
    test(`${title}: appears in no event, no answer, no store and no error`, async () => {
      const seen: unknown[] = []
      const clock = new ManualClock()
      const consume = (charges: readonly RateLimitCharge[]): never => {
        seen.push(charges)
        throw new Error('away')
      }
      const onError = (error: unknown): unknown => seen.push(String(error))
      const failures = { store: { consume }, quota: { limit: 10, window: '1m' }, clock } as const
      const exchange = literalExchange({ headers })
      const policy = authenticate(
        schemes(clock, (event) => seen.push(event)),
        { failures, onError },
      )
      const reply = await policy.handle(exchange, () => Promise.reject(new Error('passed')))

      expect([400, 401, 503]).toContain(reply.status)
      // The issuer of a token is told; it is no secret, and cut.
      const events = JSON.stringify(exchange.events).replace(`"received":["${MARK}x"]`, '')
      for (const text of [events, JSON.stringify(reply), JSON.stringify(seen)]) {
        expect(text).not.toContain(MARK)
        expect(text).not.toContain(encode(MARK).slice(0, 20))
        expect(text).not.toContain(KEY.slice(-38))
      }
    })
  }
})

function schemes(clock: ManualClock, onEvent: (event: unknown) => unknown) {
  const token = introspection({
    endpoint: 'https://idp.example/introspect',
    client: { id: 'gate', secret: MARK },
    audience: false,
    fetch: () => Promise.reject(new Error(`no route for ${MARK}`)),
    onEvent: (event) => void onEvent(event),
    clock,
  })
  return [
    token,
    dpop({ token, replay: memoryReplayStore({ clock }), origin: 'https://api.example', clock }),
    jwt({ issuer: 'https://idp.example/', audience: 'api', secret: Buffer.alloc(32, 7), clock }),
    basic({ lookup: () => undefined, clock }),
    apiKey({ lookup: () => undefined, prefix: 'hg', clock }),
  ]
}

/** In form, so that the token is asked about. */
function proofOf(text: string): string {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encode(text), kid: text }
  const header = { typ: 'dpop+jwt', alg: 'EdDSA', jwk, extra: text }
  const claims = { jti: text, htm: text, htu: text, ath: text, nonce: text, iat: 1 }
  return [header, claims].map((part) => encode(JSON.stringify(part))).join('.') + `.${encode(text)}`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
