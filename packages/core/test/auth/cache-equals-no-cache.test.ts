import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { apiKey } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import type { ApiKeyRecord } from '../../src/auth/api-key-record.js'
import { remoteJwks } from '../../src/auth/jwt/remote-jwks.js'
import { revocationList } from '../../src/auth/revocation-list.js'
import type { Scheme, Verdict } from '../../src/auth/scheme.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ENDPOINT, resultOf, server, verify } from './introspection/server.js'
import { createSigner, ISSUER, pass, sign, type Signer, START, verifier } from './jwt/tokens.js'

/** What something was, and since when. */
class History<T> {
  readonly #clock: ManualClock
  readonly #versions: { readonly value: T; readonly since: number }[]

  constructor(clock: ManualClock, first: T) {
    this.#clock = clock
    this.#versions = [{ value: first, since: Number.NEGATIVE_INFINITY }]
  }

  get current(): T {
    return (this.#versions.at(-1) as { value: T }).value
  }

  set current(value: T) {
    this.#versions.push({ value, since: this.#clock.now() })
  }

  /** Everything that it was later than `from`, or since. */
  after(from: number): readonly T[] {
    return this.#versions
      .filter((_, index) => (this.#versions[index + 1]?.since ?? Number.POSITIVE_INFINITY) > from)
      .map(({ value }) => value)
  }
}

const recordOf = (key: string, more: Partial<ApiKeyRecord>): ApiKeyRecord => {
  return { digest: apiKeyDigest(key), keyId: key, subject: 'bot', ...more }
}
const NO_EXCHANGE = literalExchange()
const decisionOf = async (scheme: Scheme, credential: string) => resultOf(await verify(scheme, credential))

describe('signed tokens: the decision with a cache is the decision without one', () => {
  let signers: readonly [Signer, Signer, Signer]
  let tokens: readonly { readonly token: string; readonly signer: number }[]
  beforeAll(async () => {
    // The last has the key id of the first: the issuer changed a key and kept its name.
    signers = [
      await createSigner('ES256', 'key-1'),
      await createSigner('ES256', 'key-2'),
      await createSigner('ES256', 'key-1'),
    ]
    const now = START / 1_000
    const rows: readonly [number, object][] = [
      [0, { jti: 'a', exp: now + 9e4 }],
      [0, { jti: 'short', exp: now + 400 }],
      [1, { jti: 'b', sub: 'bob', exp: now + 9e4 }],
      [1, { jti: 'later', nbf: now + 300, iat: now + 300, exp: now + 9e4 }],
      [2, { jti: 'c', exp: now + 9e4 }],
    ]
    tokens = await Promise.all(
      rows.map(async ([signer, claims]) => ({
        token: await sign(signers[signer as 0], claims as Record<string, unknown>),
        signer,
      })),
    )
  })

  test('for every schedule of tokens, time, key rotation and revocation; removed keys end within 602 s', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ ask: fc.nat(4) }) },
      { weight: 3, arbitrary: fc.record({ wait: fc.constantFrom(500, 29_000, 90_000, 350_000) }) },
      {
        weight: 2,
        arbitrary: fc.record({ publish: fc.constantFrom([0], [0, 1], [1], [2], [1, 2], [1, 0]) }),
      },
      fc.record({ revoke: fc.constantFrom({ credentialId: 'a' }, { subject: 'bob' }, { subject: 'ann' }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 25 }), async (steps) => {
        const clock = new ManualClock(START)
        const published = new History<readonly number[]>(clock, [0])
        const fetch = async (): Promise<Response> =>
          Response.json({ keys: published.current.map((index) => signers[index as 0].jwk) })
        const jwks = remoteJwks('https://idp.example/keys', { clock, fetch })
        const { isRevoked, revoke } = revocationList({ clock })
        const common = { jwks, clock, isRevoked }
        const cached = verifier([], { ...common, cache: { ttl: '1h', maxEntries: 3 } })
        const plain = verifier([], { ...common, cache: 'off' })
        await pass(clock, 1)
        for (const action of steps) {
          if ('wait' in action) await pass(clock, action.wait)
          else if ('publish' in action) published.current = action.publish
          else if ('revoke' in action) revoke({ ...action.revoke, issuer: ISSUER })
          else {
            const { token, signer } = tokens[action.ask] ?? { token: '', signer: 0 }
            const decision = await decisionOf(cached, token)
            expect(decision).toBe(await decisionOf(plain, token))
            const recent = published.after(clock.now() - 602_000).flat()
            if (!recent.includes(signer)) expect(decision).not.toBe('accepted')
          }
        }
        jwks.close()
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})

describe('API keys: the decision with a cache is one without it, at most its time ago', () => {
  const KEYS = ['first-key-of-the-test', 'other-key-of-the-test']
  const [TTL, STALE, DEADLINE] = [30_000, 10_000, 250]
  const [ONE, OTHER] = KEYS as [string, string]
  const change = fc.constantFrom<(now: number) => Partial<ApiKeyRecord> | 'gone'>(
    () => ({}),
    () => ({ disabledAt: 1 }),
    (now) => ({ expiresAt: now + 40_000 }),
    (now) => ({ notBefore: now + 10_000 }),
    // Another key's record: a lookup by id that found the wrong one.
    () => ({ digest: apiKeyDigest('a key of nobody') }),
    () => 'gone',
  )
  const which = fc.constantFrom(ONE, ONE, ONE, OTHER)
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ ask: which, takes: fc.constantFrom(0, 0, 100, 300) }) },
    { weight: 3, arbitrary: fc.record({ wait: fc.constantFrom(1, 90, 5_000, 12_000, 20_000) }) },
    { weight: 3, arbitrary: fc.record({ put: which, change }) },
    { weight: 2, arbitrary: fc.record({ forget: fc.constantFrom(ONE, ONE, OTHER, undefined) }) },
    fc.record({ revoke: fc.constant(OTHER) }),
    { weight: 2, arbitrary: fc.record({ away: fc.constantFrom(true, true, false) }) },
  )

  test('for every schedule of keys, time, changes, slow lookups, outages, forgetting and revocation', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(step, { minLength: 40, maxLength: 80 }),
        async (mayBeAway, steps) => {
          const clock = new ManualClock(START)
          const { isRevoked, revoke } = revocationList({ clock })
          const records = new Map(
            KEYS.map((key) => {
              const first: ApiKeyRecord | undefined = recordOf(key, {})
              return [apiKeyDigest(key), new History<ApiKeyRecord | undefined>(clock, first)]
            }),
          )
          const historyOf = (key: string) =>
            records.get(apiKeyDigest(key)) as History<ApiKeyRecord | undefined>
          const forgotten = new Map(KEYS.map((key) => [key, Number.NEGATIVE_INFINITY]))
          let takes = 0
          let isAway = false
          let lastAway = Number.NEGATIVE_INFINITY
          const lookup = async ({ digest }: { digest: string }) => {
            const record = records.get(digest)?.current
            const fails = isAway
            if (takes > 0) await new Promise<void>((resolve) => void clock.after(takes, resolve))
            if (fails) throw new Error('away')
            return record
          }
          const cache = { ttl: TTL, maxEntries: 1, maxStale: STALE }
          const scheme = apiKey({ lookup, clock, isRevoked, cache })
          let version: ApiKeyRecord | undefined
          const plain = apiKey({ lookup: () => version, clock, isRevoked, cache: 'off' })
          const asking: Promise<void>[] = []

          const judge = async (key: string, since: number): Promise<void> => {
            // A lookup that is joined began in time.
            const mayFail = isAway || since - lastAway <= DEADLINE
            const decision = await decisionOf(scheme, key).catch(() => 'away')
            if (decision === 'undecided') return
            if (decision === 'away') return expect(mayFail).toBe(true)
            const bound = mayFail ? TTL + STALE : TTL
            const versions = historyOf(key).after(Math.max(since - bound, forgotten.get(key) ?? 0))
            const possible = [...new Set(versions)].map((record) => {
              version = record
              return resultOf(plain.verify(key, NO_EXCHANGE) as Verdict)
            })
            expect(possible).toContain(decision)
            // What is not there is remembered for 5 s only.
            const recent = historyOf(key).after(Math.max(since - 5_000, forgotten.get(key) ?? 0))
            if (recent.every((record) => record?.digest === apiKeyDigest(key))) {
              expect(decision).not.toBe('unknown-key')
            }
          }
          for (const action of steps) {
            if ('wait' in action) await clock.advance(action.wait)
            else if ('revoke' in action) revoke({ credentialId: action.revoke })
            else if ('away' in action) {
              if (isAway) lastAway = clock.now()
              isAway = action.away && mayBeAway
            } else if ('put' in action) {
              const { put } = action
              const made = action.change(clock.now())
              historyOf(put).current = made === 'gone' ? undefined : recordOf(put, made)
            } else if ('ask' in action) {
              takes = action.takes
              asking.push(judge(action.ask, clock.now()))
              await new Promise((resolve) => setImmediate(resolve))
            } else {
              // Who asks while it is told may still get the old answer: let those end first.
              await clock.advance(600)
              scheme.forget(action.forget === undefined ? undefined : apiKeyDigest(action.forget))
              for (const key of KEYS) {
                if (action.forget === undefined || action.forget === key) forgotten.set(key, clock.now() - 1)
              }
            }
          }
          await clock.advance(1_000)
          await Promise.all(asking)
        },
      ),
      { numRuns: 250 },
    )
  }, 60_000)
})

describe('opaque tokens: the decision with a cache is one without it, at most its time ago', () => {
  const TTL = 30_000
  const NOW = START / 1_000
  const GOOD = { active: true, sub: 'ann', aud: 'https://api.example', jti: 'a', iat: NOW }
  const answers = fc.constantFrom<(now: number) => object>(
    () => GOOD,
    // Tokens are taken until 30 s after their end, and from 30 s before their beginning.
    (now) => ({ ...GOOD, exp: now / 1_000 - 20 }),
    (now) => ({ ...GOOD, exp: now / 1_000 + 40, scope: 'write' }),
    (now) => ({ ...GOOD, nbf: now / 1_000 + 40 }),
    () => ({ active: false }),
    () => ({ ...GOOD, aud: 'https://other.example' }),
  )
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant({ ask: true } as const) },
    { weight: 3, arbitrary: fc.record({ wait: fc.constantFrom(1, 2_000, 4_900, 9_000, 14_000, 29_000) }) },
    { weight: 2, arbitrary: fc.record({ answer: answers }) },
    fc.constant({ revoke: true } as const),
  )

  test('for every schedule of answers, time and revocation', async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.array(step, { minLength: 15, maxLength: 30 }), async (first, steps) => {
        const list = revocationList({ clock: new ManualClock(START) })
        const { isRevoked } = list
        const { ask, clock } = server(() => Response.json(answer.current), { isRevoked })
        const answer: History<object> = new History(clock, first(START))
        const other = new ManualClock(START)
        let asked: object = {}
        const plain = server(() => Response.json(asked), { isRevoked, cache: 'off', clock: other })
        const plainly = async (documents: readonly object[], at: number): Promise<string[]> => {
          const decisions: string[] = []
          for (const document of new Set(documents)) {
            asked = document
            other.step(at)
            decisions.push(resultOf(await plain.ask('opaque-token-0001')))
          }
          return decisions
        }
        for (const action of steps) {
          if ('wait' in action) await clock.advance(action.wait)
          else if ('answer' in action) answer.current = action.answer(clock.now())
          else if ('revoke' in action) list.revoke({ credentialId: 'a', issuer: ENDPOINT })
          else {
            const decision = resultOf(await ask('opaque-token-0001'))
            const now = clock.now()
            // An active token may be known for 30 s; a refusal for 5 s, and then it says what was so then.
            const recent = answer.after(now - 5_000)
            const possible = ['accepted', 'revoked'].includes(decision)
              ? await plainly(answer.after(now - TTL), now)
              : [...(await plainly(recent, now)), ...(await plainly(recent, now - 5_000))]
            expect(possible).toContain(decision)
          }
        }
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
