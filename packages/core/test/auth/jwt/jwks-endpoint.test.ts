import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Endpoint, type Failing, openEndpoint } from '../../../../../test-support/endpoint.js'
import type { Scheme } from '../../../src/auth/scheme.js'
import { type KeySetEvent, type RemoteJwks, remoteJwks } from '../../../src/auth/jwt/remote-jwks.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { createSigner, goodClaims, resultOf, sign, type Signer, START, verifier } from './tokens.js'

const SECOND = 1_000
const MAX_AGE = 600 * SECOND
const MAX_STALE = 3_600 * SECOND
const COOLDOWN = 30 * SECOND
const DEADLINE = 2 * SECOND

/** They end by themselves; the others are ended by the deadline. */
const ENDING: readonly Failing[] = ['refused', 'failing', 'garbage', 'redirecting', 'huge']
const HANGING: readonly Failing[] = ['hung', 'slow']

let old: Signer
let next: Signer
beforeAll(async () => {
  old = await createSigner('ES256', 'old')
  next = await createSigner('ES256', 'next')
})

const opened: Issuer[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((issuer) => issuer.close()))
})

/** An issuer's endpoint on a real socket, and a verifier of its tokens on a clock that the test moves. */
class Issuer {
  readonly clock = new ManualClock(START)
  readonly events: KeySetEvent[] = []
  published: readonly Signer[]
  readonly jwks: RemoteJwks
  readonly scheme: Scheme
  readonly endpoint: Endpoint
  readonly #tokens = new Map<string, string>()
  #began = 0

  static async open(behaviour: Failing | 'well' = 'well'): Promise<Issuer> {
    const endpoint = await openEndpoint((_request, response) => {
      const keys = issuer.published.map(({ jwk }) => jwk)
      response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys }))
    })
    await endpoint.become(behaviour)
    const issuer = new Issuer(endpoint)
    opened.push(issuer)
    await issuer.rest(behaviour)
    return issuer
  }

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
    this.published = [old]
    this.jwks = remoteJwks(`${endpoint.url}/keys`, {
      allowLoopback: true,
      clock: this.clock,
      onEvent: (event) => void this.events.push(event),
      fetch: (url, init) => {
        this.#began += 1
        return fetch(url, init)
      },
    })
    this.scheme = verifier([], { jwks: this.jwks, clock: this.clock })
  }

  /** How often the endpoint was asked, whether it took the request or not. */
  get fetches(): number {
    return this.#began
  }

  /** `accepted`, `undecided` (503), or why the token is bad. The same token for the same `jti`: it is remembered. */
  async ask(signer: Signer, jti = 'one'): Promise<string> {
    const name = `${signer.jwk.kid} ${jti}`
    const token = this.#tokens.get(name) ?? (await sign(signer, { exp: 9e9, jti }))
    this.#tokens.set(name, token)
    return resultOf(this.scheme, token)
  }

  /** A token that names a key id: whether it is signed shows only when the key is known. */
  async askUnknown(kid: string): Promise<string> {
    const claims = Buffer.from(JSON.stringify(goodClaims())).toString('base64url')
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url')
    return resultOf(this.scheme, `${header}.${claims}.AAAA`)
  }

  /** A fetch that ends by itself ends before time goes on. */
  async rest(behaviour: Failing | 'well' = 'well'): Promise<void> {
    if (HANGING.some((hanging) => hanging === behaviour)) return this.endpoint.asked(this.#began)
    while (this.#ended < this.#began) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Lets time pass, with something done in every second of it. */
  async pass(duration: number, behaviour: Failing | 'well' = 'well', each?: () => unknown): Promise<void> {
    for (let passed = 0; passed < duration; passed += SECOND) {
      await each?.()
      await this.clock.advance(SECOND)
      await this.rest(behaviour)
    }
  }

  async close(): Promise<void> {
    this.jwks.close()
    await this.endpoint.close()
  }

  get #ended(): number {
    return this.events.filter(({ type }) => type !== 'keys.skipped').length
  }
}

describe('a rotation', () => {
  test('is seen by the first token of the new key: one fetch, and the old key ends with it', async () => {
    const issuer = await Issuer.open()
    expect(await issuer.ask(old)).toBe('accepted')
    expect(issuer.fetches).toBe(1)
    issuer.published = [next]
    expect(await issuer.ask(next)).toBe('accepted')
    expect(await issuer.ask(next)).toBe('accepted')
    expect(issuer.fetches).toBe(2)
    // It was verified before, and is remembered.
    expect(await issuer.ask(old)).toBe('unknown-key')
    expect(issuer.fetches).toBe(2)
  })

  test('is seen without any traffic when the keys grow old', async () => {
    const issuer = await Issuer.open()
    issuer.published = [old, next]
    await issuer.pass(0.8 * MAX_AGE)
    expect(issuer.fetches).toBe(2)
    expect(await issuer.ask(next)).toBe('accepted')
    expect(issuer.fetches).toBe(2)
  })

  test('ends the tokens of a removed key, remembered ones too, within the age of the keys and a fetch', async () => {
    const issuer = await Issuer.open()
    expect(await issuer.ask(old)).toBe('accepted')
    issuer.published = [next]
    await issuer.pass(MAX_AGE + DEADLINE)
    expect(await issuer.ask(old)).toBe('unknown-key')
    expect(issuer.fetches).toBeLessThanOrEqual(3)
  })

  test('during a flood of unknown key ids is seen within the cooldown and a fetch', async () => {
    const issuer = await Issuer.open()
    let junk = 0
    const flood = async (): Promise<void> => {
      const answers = await Promise.all([1, 2, 3].map(() => issuer.askUnknown(`junk-${(junk += 1)}`)))
      expect(answers).toEqual(['unknown-key', 'unknown-key', 'unknown-key'])
    }
    await issuer.pass(45 * SECOND, 'well', flood)
    issuer.published = [old, next]
    await issuer.pass(COOLDOWN + DEADLINE, 'well', flood)
    expect(await issuer.ask(next)).toBe('accepted')
    // At the start, at 0 s, 30 s and 60 s.
    expect(issuer.fetches).toBe(4)
  })
})

describe('an endpoint that is', () => {
  test.each(ENDING)(
    '%s: known keys work for their grace, 300 requests cost one fetch, and it comes back',
    async (failing) => {
      const issuer = await Issuer.open()
      expect(await issuer.ask(old)).toBe('accepted')
      await issuer.endpoint.become(failing)
      for (let request = 0; request < 300; request += 1) {
        expect(await issuer.askUnknown(`junk-${request}`)).toBe('undecided')
      }
      expect(issuer.fetches).toBe(2)
      expect(issuer.jwks.status()).toMatchObject({ state: 'fresh', keys: 1 })

      await issuer.pass(MAX_AGE, failing)
      expect(await issuer.ask(old, 'new')).toBe('accepted')
      await issuer.clock.advance(MAX_STALE - 2 * COOLDOWN)
      await issuer.rest(failing)
      expect([await issuer.ask(old, 'newer'), issuer.jwks.status().state]).toEqual(['accepted', 'stale'])
      await issuer.pass(3 * COOLDOWN, failing)
      // Undecided, not bad: clients keep their tokens.
      expect([await issuer.ask(old), await issuer.ask(old, 'newest')]).toEqual(['undecided', 'undecided'])

      await issuer.endpoint.become('well')
      await issuer.pass(COOLDOWN)
      expect([await issuer.ask(old), issuer.jwks.status().state]).toEqual(['accepted', 'fresh'])
      expect(issuer.endpoint.heads.filter((head) => head.includes('/elsewhere'))).toEqual([])
    },
  )

  test.each(HANGING)(
    '%s: known keys do not wait, unknown ones no longer than the deadline, all for one fetch',
    async (hanging) => {
      const issuer = await Issuer.open()
      await issuer.endpoint.become(hanging)
      const answers: string[] = []
      const unknown = Array.from({ length: 300 }, async (_, request) =>
        answers.push(await issuer.askUnknown(`junk-${request}`)),
      )
      await issuer.endpoint.asked(2)
      // No time passes: a wait for the endpoint would not end.
      expect(await issuer.ask(old, 'while it hangs')).toBe('accepted')
      expect(answers).toEqual([])
      await issuer.clock.advance(DEADLINE)
      await Promise.all(unknown)
      expect(new Set(answers)).toEqual(new Set(['undecided']))
      expect([issuer.fetches, issuer.endpoint.requests]).toEqual([2, 2])
      expect(await issuer.askUnknown('junk after it')).toBe('undecided')
      expect(issuer.fetches).toBe(2)

      issuer.published = [old, next]
      await issuer.endpoint.become('well')
      await issuer.pass(COOLDOWN)
      expect(await issuer.ask(next)).toBe('accepted')
    },
  )

  test.each([...ENDING, ...HANGING])(
    '%s from the start: 300 requests cost two fetches, and the first success serves',
    async (failing) => {
      const issuer = await Issuer.open(failing)
      const tokens = await Promise.all(
        Array.from({ length: 300 }, (_, request) => sign(old, { exp: 9e9, jti: `token ${request}` })),
      )
      const asked = tokens.map((token) => resultOf(issuer.scheme, token))
      await issuer.clock.advance(0)
      await issuer.rest(failing)
      if (HANGING.includes(failing)) await issuer.clock.advance(DEADLINE)
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['undecided']))
      expect(issuer.fetches).toBeLessThanOrEqual(2)
      await issuer.endpoint.become('well')
      await issuer.pass(COOLDOWN)
      expect(await issuer.ask(old)).toBe('accepted')
    },
  )

  test('redirecting: the place it names is not asked', async () => {
    const issuer = await Issuer.open('redirecting')
    await issuer.pass(2 * COOLDOWN, 'redirecting')
    expect(issuer.fetches).toBeGreaterThan(2)
    expect(issuer.endpoint.heads.every((head) => head.startsWith('GET /keys\n'))).toBe(true)
    expect(issuer.jwks.status()).toMatchObject({ state: 'away', lastFailure: 'network' })
  })

  test('huge: it is read no further than the limit', async () => {
    const issuer = await Issuer.open('huge')
    expect(issuer.jwks.status()).toMatchObject({ state: 'away', lastFailure: 'too-large' })
    expect(issuer.fetches).toBe(1)
    // What the sockets' own buffers took beside it.
    expect(issuer.endpoint.written).toBeLessThan(16_777_216)
  })

  test('away: a removed key ends when the grace is over, remembered tokens too', async () => {
    const issuer = await Issuer.open()
    expect(await issuer.ask(old)).toBe('accepted')
    issuer.published = [next]
    await issuer.endpoint.become('refused')
    await issuer.pass(MAX_AGE, 'refused')
    await issuer.clock.advance(MAX_STALE)
    await issuer.rest('refused')
    await issuer.pass(DEADLINE, 'refused')
    expect(await issuer.ask(old)).toBe('undecided')
    await issuer.endpoint.become('well')
    await issuer.pass(COOLDOWN)
    expect(await issuer.ask(old)).toBe('unknown-key')
  })
})

describe('a flood of unknown key ids', () => {
  test('costs one fetch in a cooldown, for as long as it lasts, and the refresh goes on beside it', async () => {
    const issuer = await Issuer.open()
    let junk = 0
    await issuer.pass(MAX_AGE, 'well', async () => {
      await Promise.all(Array.from({ length: 5 }, () => issuer.askUnknown(`junk-${(junk += 1)}`)))
      expect(await issuer.ask(old)).toBe('accepted')
    })
    expect(junk).toBe(3_000)
    expect(issuer.fetches).toBeLessThanOrEqual(1 + MAX_AGE / COOLDOWN + 2)
    expect(issuer.jwks.status().age).toBeLessThanOrEqual(COOLDOWN)
  })

  test('at an endpoint that fails leaves known keys alone', async () => {
    const issuer = await Issuer.open()
    await issuer.endpoint.become('failing')
    for (let request = 0; request < 300; request += 1) {
      const [known, unknown] = await Promise.all([issuer.ask(old), issuer.askUnknown(`junk-${request}`)])
      expect([known, unknown]).toEqual(['accepted', 'undecided'])
    }
    expect(issuer.fetches).toBe(2)
  })
})

test('a process that was suspended asks once before it believes its keys', async () => {
  const issuer = await Issuer.open()
  expect(await issuer.ask(old)).toBe('accepted')
  issuer.published = [next]
  issuer.clock.step(START + MAX_AGE + 1)
  expect(await issuer.ask(old)).toBe('unknown-key')
  expect(issuer.fetches).toBe(2)
})
