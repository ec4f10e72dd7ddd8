import { apiKeyDigest, type ApiKeyQuery, createApiKey, memoryStores } from '@headgate/core'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { signRaw } from '../../attacks/forge.js'
import { PROTOCOLS } from '../../attacks/protocols.js'
import { API_KEY, PREFIX } from '../../attacks/target.js'
import { useTargets } from '../../attacks/use-targets.js'
import type { Got, Sent } from '../../attacks/wire.js'
import { goodClaims } from '../../../packages/core/test/auth/jwt/tokens.js'

const MARK = 'm4rkedSecret0123456789'
const WITH_KEY = ['X-API-Key', API_KEY] as const

const open = useTargets()
afterEach(() => void jest.restoreAllMocks())

/** A store whose calls are written down, but for what it is there to keep. */
function watched<T extends object>(store: T, calls: unknown[]): T {
  return new Proxy(store, {
    get(kept, name) {
      const method = Reflect.get(kept, name) as unknown
      if (typeof method !== 'function') return method
      return (...args: readonly unknown[]): unknown => {
        if (name !== 'complete' && name !== 'fill') calls.push([name, args])
        return method.apply(kept, args) as unknown
      }
    },
  })
}

describe.each(PROTOCOLS)('over $name, secrets in logs', (protocol) => {
  const encoded = Buffer.from(MARK).toString('base64url').slice(0, 24)

  test('a secret in any place where a client puts one is in no event, log, error, field or store key', async () => {
    const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
      jest.spyOn(console, name).mockImplementation(() => undefined),
    )
    const calls: unknown[] = []
    const stores = memoryStores()
    const target = await open({
      budgets: watched(stores.rateLimit, calls),
      claims: watched(stores.idempotency, calls),
      answers: watched(stores.cache, calls),
      authentication: {
        failures: {
          store: watched(memoryStores().rateLimit, calls),
          quota: { limit: 10_000, window: '1m', burst: 10_000 },
        },
      },
      lookup: (query) => {
        calls.push(query)
        return query.digest === apiKeyDigest(API_KEY)
          ? { digest: query.digest, keyId: 'key-of-ann', subject: 'ann', scopes: ['notes:write'] }
          : undefined
      },
    })
    const claims = JSON.stringify({ ...goodClaims(), email: MARK })
    const good = signRaw(target.signer, {}, claims)
    const places: readonly NonNullable<Sent['fields']>[] = [
      [['Authorization', `Bearer ${MARK}`]],
      [['Authorization', `Bearer ${MARK}.${MARK}.${MARK}`]],
      [['Authorization', `Bearer ${good}`]],
      [['Authorization', `Bearer ${good.slice(0, -3)}AAA`]],
      [['Authorization', `Basic ${Buffer.from(`${MARK}:${MARK}`).toString('base64')}`]],
      [['Authorization', `${MARK} ${MARK}`]],
      [['Authorization', MARK]],
      [['X-API-Key', MARK]],
      [
        ['X-API-Key', MARK],
        ['X-API-Key', MARK],
      ],
      [WITH_KEY, ['Cookie', `session=${MARK}`]],
      [WITH_KEY, ['Idempotency-Key', MARK]],
      [WITH_KEY, ['Idempotency-Key', `"${MARK}`]],
      [WITH_KEY, ['X-Forwarded-For', MARK], ['X-Request-Id', MARK], ['Cache-Control', MARK]],
    ]
    const answers: Got[] = []
    for (const fields of places) {
      for (const wish of ['me', 'open', 'create'] as const) {
        answers.push(await target.send(protocol.ask(wish), ...fields))
      }
    }
    answers.push(await target.send(protocol.ask('signIn', MARK)))
    answers.push(await target.send(protocol.withBody(`{"text":"${MARK}`), WITH_KEY))
    answers.push(await target.send(protocol.withBody(`{"text":["${MARK}"]}`), WITH_KEY))

    const told = JSON.stringify({
      events: target.events,
      calls,
      errors: target.errors.map(String),
      printed: printed.map(({ mock }) => mock.calls),
      fields: answers.map(({ fields }) => fields),
      answers: answers
        .filter(({ status }) => status < 400 || status >= 500 || status === 401)
        .map(({ text }) => text),
    })
    const secrets = [MARK, encoded, API_KEY, good.slice(-40)]
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
    expect(answers.some(({ status }) => status === 200)).toBe(true)
    expect(calls.length).toBeGreaterThan(answers.length)
  })
})

/** Every text in a value, with the names of its members. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)])
}

describe.each(PROTOCOLS)('over $name, header and log injection', (protocol) => {
  const EVIL = [
    '\r\nSet-Cookie: evil=1',
    '\nSet-Cookie: evil=1',
    '\u2028evil',
    '\u001b[2Jevil',
    '", evil="1',
    '\u0000evil',
  ]

  test('what a client writes ends no line, in a field or in an event', async () => {
    const target = await open({ trustedProxies: { hops: 1 } })
    const claims = (over: object): readonly [string, string] => [
      'Authorization',
      `Bearer ${signRaw(target.signer, {}, JSON.stringify({ ...goodClaims(), ...over }))}`,
    ]
    const answers: Got[] = []
    for (const evil of EVIL) {
      const quoted = encodeURIComponent(evil)
      const fields = [
        ...['iss', 'aud', 'sub', 'jti', 'tenant', 'scope', 'client_id'].map((name) =>
          claims({ [name]: `x${evil}` }),
        ),
        claims({ aud: [`x${evil}`, `y${evil}`] }),
        ['Authorization', `Bearer ${signRaw(target.signer, { kid: `x${evil}`, typ: `x${evil}` })}`],
        ['Authorization', `Bearer ${signRaw(target.signer, { alg: `x${evil}` })}`],
      ] as const
      for (const field of fields) {
        for (const wish of ['me', 'admin', 'create'] as const)
          answers.push(await target.send(protocol.ask(wish), field))
      }
      const line = `x${evil}`.replaceAll(/[\r\n\0]/g, ' ')
      for (const name of [
        'X-Request-Id',
        'Idempotency-Key',
        'Origin',
        'X-Forwarded-For',
        'X-Forwarded-Host',
        'Accept',
      ]) {
        answers.push(await target.send({ ...protocol.ask('create'), fields: [[name, line], WITH_KEY] }))
      }
      for (const path of [`/notes${quoted}`, `/me?x=${quoted}`, `/graphql?query=${quoted}`, `/${quoted}`]) {
        answers.push(await target.send({ method: 'GET', target: path }, WITH_KEY))
      }
      answers.push(await target.send(protocol.ask('create', `a note${evil}`), WITH_KEY))
    }
    for (const { status, fields } of answers) {
      expect(status).toBeLessThan(500)
      expect(Object.keys(fields)).not.toContain('set-cookie')
      expect(JSON.stringify(fields)).not.toContain('evil')
    }
    const texts = textsIn(target.events)
    expect(texts.filter((text) => text.includes('evil')).length).toBeGreaterThan(0)
    expect(texts.filter((text) => /[^\x20-\x7e\ufffd]/.test(text))).toEqual([])
  })
})

/** An answer without what differs from one request to the next. */
function comparable({ status, text, fields }: Got): unknown {
  return { status, text, fields: { ...fields, date: '', 'x-request-id': '' } }
}

describe.each(PROTOCOLS)('over $name, timing', (protocol) => {
  test('an unknown key and a wrong one ask the same, and are answered the same', async () => {
    const [known, guessed, unknown] = [createApiKey(PREFIX), createApiKey(PREFIX), createApiKey(PREFIX)]
    const record = { digest: known.digest, keyId: known.keyId, subject: 'ann' }
    const queries: ApiKeyQuery[] = []
    const target = await open({
      lookup: (query) => {
        queries.push(query)
        // The guess names a key that is there, and has another secret.
        return query.id === known.keyId || query.id === guessed.keyId ? record : undefined
      },
    })
    const ask = (key: string) => target.send(protocol.ask('me'), ['X-API-Key', key])
    expect((await ask(known.key)).status).toBe(200)
    const [wrong, none] = [await ask(guessed.key), await ask(unknown.key)]
    expect(wrong.status).toBe(401)
    expect(comparable(wrong)).toEqual(comparable(none))
    expect(queries.map(({ digest, id }) => [digest, id])).toEqual(
      [known, guessed, unknown].map(({ digest, keyId }) => [digest, keyId]),
    )
    const reasons = target.events.flatMap((event) => (event.type === 'auth.refused' ? [event.reason] : []))
    expect(reasons).toEqual(['unknown-key', 'unknown-key'])
  })
})
