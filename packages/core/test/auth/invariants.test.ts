import { describe, expect, test } from '@jest/globals'
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { apiKey } from '../../src/auth/api-key.js'
import { authenticate } from '../../src/auth/authenticate.js'
import { basic } from '../../src/auth/basic/basic.js'
import { createIdentity, type Identity } from '../../src/auth/identity.js'
import { introspection } from '../../src/auth/introspection/introspection.js'
import { accepted, rejected, type Scheme, undecided } from '../../src/auth/scheme.js'
import type { Access } from '../../src/operation.js'
import type { Reply } from '../../src/reply.js'
import { literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { createSigner, sign, START, verifier } from './jwt/tokens.js'

const ANSWER = { kind: 'answer', status: 200, headers: {}, body: null } as const

/** A scheme that knows the credentials beginning with its name, and says what follows. */
function schemeOf(name: string, place: Scheme['credential'], authScheme: string): Scheme {
  const identity = createIdentity({ scheme: name, subject: name, scopes: ['read'] })
  return {
    name,
    credential: place,
    challenge: { authScheme, errors: true },
    claims: (credential) => credential.startsWith(`${name}-`),
    verify(credential) {
      if (credential === `${name}-good`) return accepted(identity)
      if (credential === `${name}-late`) return Promise.resolve(accepted(identity))
      if (credential === `${name}-away`) return undecided()
      if (credential === `${name}-throws`) throw new Error('away')
      if (credential === `${name}-ended`) return rejected('expired', { genuine: true })
      return rejected('malformed')
    },
  }
}

const SCHEMES: readonly Scheme[] = [
  schemeOf('jwt', { field: 'authorization', authScheme: 'Bearer' }, 'Bearer'),
  schemeOf('opaque', { field: 'authorization', authScheme: 'Bearer' }, 'Bearer'),
  schemeOf('name', { field: 'authorization', authScheme: 'Basic' }, 'Basic'),
  schemeOf('key', { field: 'x-api-key' }, 'ApiKey'),
  schemeOf('partner', { field: 'x-partner-key' }, 'PartnerKey'),
]

type Line = readonly [field: string, value: string]

const outcomes = fc.constantFrom('good', 'late', 'away', 'throws', 'ended', 'bad', '')
const line: fc.Arbitrary<Line> = fc.oneof(
  fc.record({ of: fc.constantFrom(...SCHEMES), outcome: outcomes }).map(({ of, outcome }): Line => {
    const { field, authScheme } = of.credential
    return [field, `${authScheme === undefined ? '' : `${authScheme} `}${of.name}-${outcome}`]
  }),
  fc.constantFrom<Line>(
    ['authorization', 'Digest x'],
    ['authorization', ''],
    ['authorization', 'bearer jwt-good'],
    ['authorization', 'Bearer  jwt-good'],
    ['authorization', 'Bearer nobody-good'],
    ['x-api-key', ''],
  ),
)
const request = fc.record({
  lines: fc.array(line, { maxLength: 3 }),
  chain: fc.shuffledSubarray([...SCHEMES], { minLength: 1 }),
  scopes: fc.constantFrom<Access['scopes']>(undefined, ['read'], ['write'], [['write'], ['read']]),
  realm: fc.stringMatching(/^[ !#-[\]-~]{1,20}$/),
  told: fc.boolean(),
})
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never

async function decide(
  { lines, chain, scopes, realm, told }: Request,
  mode: NonNullable<Access['mode']>,
): Promise<{ readonly reply: Reply; readonly exchange: LiteralExchange }> {
  const headers: Record<string, string[]> = {}
  for (const [field, value] of lines) (headers[field] ??= []).push(value)
  const access = { mode, ...(scopes !== undefined && { scopes }) }
  const exchange = literalExchange({ headers, operation: { access } })
  const resource = { metadataUrl: 'https://api.example/.well-known/oauth-protected-resource' }
  const policy = authenticate(chain, { realm, ...(told && { resource }) })
  return { reply: await policy.handle(exchange, async () => ANSWER), exchange }
}

/** What a caller learns and is let in as: nothing else may differ between chains of one content. */
async function verdictOf(asked: Request, mode: NonNullable<Access['mode']>): Promise<string> {
  const { reply, exchange } = await decide(asked, mode)
  return reply.kind === 'refusal' ? `${reply.status} ${reply.code}` : `200 ${exchange.identity?.subject}`
}

/** RFC 9110 11.2, 11.6.1: a scheme, and parameters with a name each and a quoted value. */
function isChallenge(text: string): boolean {
  const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
  const parameter = `${token}="[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*"`
  if (!new RegExp(`^${token} ${parameter}(?:, ${parameter})*$`).test(text)) return false
  const names = [...text.matchAll(/([^\s=,]+)="[^"]*"/g)].map(([, name]) => name?.toLowerCase())
  return new Set(names).size === names.length
}

describe('chain', () => {
  const modes = fc.constantFrom('required', 'optional', 'anonymous' as const)

  test('exactly one verdict: it is that of the one scheme that claims the one credential', async () => {
    await fc.assert(
      fc.asyncProperty(request, modes, async (asked, mode) => {
        const { lines, chain, scopes } = asked
        const fields = new Set(['authorization', ...chain.map(({ credential }) => credential.field)])
        const read = lines.filter(([field]) => fields.has(field))
        const [only] = read
        const by = chain.find(({ name, credential: { field, authScheme } }) => {
          const start = `${authScheme === undefined ? '' : `${authScheme} `}${name}-`
          return only?.[0] === field && only[1].toLowerCase().startsWith(start.toLowerCase())
        })
        const outcome = only?.[1].replace(/^.*-/, '')
        const verdict = await verdictOf(asked, mode)
        const writes = scopes !== undefined && !JSON.stringify(scopes).includes('read')

        if (mode === 'anonymous' || (read.length === 0 && mode === 'optional')) {
          expect(verdict).toBe(scopes === undefined ? '200 ' : '401 credentials-missing')
        } else if (read.length !== 1) {
          expect(verdict).toBe(read.length === 0 ? '401 credentials-missing' : '400 credentials-ambiguous')
        } else if (by !== undefined && (outcome === 'good' || outcome === 'late')) {
          expect(verdict).toBe(writes ? '403 scope-insufficient' : `200 ${by.name}`)
        } else if (by !== undefined && (outcome === 'away' || outcome === 'throws')) {
          expect(verdict).toBe('503 auth-unavailable')
        } else {
          expect(verdict).toBe('401 credentials-invalid')
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('optional differs from required only when nothing was sent', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (asked) => {
        const [required, optional] = [await verdictOf(asked, 'required'), await verdictOf(asked, 'optional')]
        if (required !== '401 credentials-missing') expect(optional).toBe(required)
      }),
      { numRuns: 500 },
    )
  })

  test('permuting schemes changes no verdict', async () => {
    const permuted = request.chain((asked) =>
      fc.tuple(fc.constant(asked), fc.shuffledSubarray(asked.chain, { minLength: asked.chain.length })),
    )
    await fc.assert(
      fc.asyncProperty(permuted, modes, async ([asked, chain], mode) => {
        expect(await verdictOf({ ...asked, chain }, mode)).toBe(await verdictOf(asked, mode))
      }),
      { numRuns: 500 },
    )
  })

  test('every 401 has a challenge that parses, whatever the configuration; 403 only with an identity', async () => {
    await fc.assert(
      fc.asyncProperty(request, modes, async (asked, mode) => {
        const { reply, exchange } = await decide(asked, mode)
        const challenges = [reply.headers['www-authenticate'] ?? []].flat()
        for (const each of challenges) expect([each, isChallenge(each)]).toEqual([each, true])
        if (reply.status === 401) expect(challenges.length).toBeGreaterThan(0)
        if (reply.status === 403) {
          expect(challenges).toHaveLength(1)
          expect(exchange.events.at(-1)).toMatchObject({
            code: 'scope-insufficient',
            scheme: expect.any(String),
          })
        }
        if (reply.status !== 200) expect(exchange.identity).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })
})

/** What an identity is keyed by. */
function partsOf(identity: Identity): readonly unknown[] {
  return [identity.scheme, identity.issuer, identity.tenant, identity.subject]
}

/** What a caller may do, as sets. */
function heldBy({ scopes, roles }: Readonly<Record<'scopes' | 'roles', readonly string[]>>): unknown {
  return [scopes, roles].map((names) => [...new Set(names)].toSorted())
}

describe('identity keys', () => {
  /** The same tokens, put together to four names in two ways: as one text they are the same. */
  const cuts = fc.tuple(fc.nat(6), fc.nat(6), fc.nat(6))
  const cutTwice = fc
    .tuple(
      fc.array(fc.constantFrom('a', 'b', '', ':', '"', 'undefined', '\ud800', '\0'), {
        minLength: 4,
        maxLength: 6,
      }),
      fc.constantFrom('', ':', '|', '\0', ',', '","', ' ', '/'),
      cuts,
      cuts,
    )
    .map(([tokens, separator, ...both]) =>
      both.map((at) => {
        const [first = 0, second = 0, third = 0] = at.toSorted((a, b) => a - b)
        const groups = [
          tokens.slice(0, first),
          tokens.slice(first, second),
          tokens.slice(second, third),
          tokens.slice(third),
        ]
        return groups.map((group) => (group.length === 0 ? undefined : group.join(separator)))
      }),
    )

  test('are injective over arbitrary strings: names that are cut otherwise are others', () => {
    fc.assert(
      fc.property(cutTwice, ([one = [], two = []]) => {
        const [first, second] = [one, two].map(([scheme = '', issuer, tenant, subject = '']) =>
          createIdentity({ scheme: `.${scheme}`, issuer, tenant, subject: `.${subject}` }),
        )
        const same =
          first !== undefined && second !== undefined && isDeepStrictEqual(partsOf(first), partsOf(second))
        expect(first?.key === second?.key).toBe(same)
        expect(first?.partition === second?.partition).toBe(same)
      }),
      { numRuns: 3_000 },
    )
  })

  test('are one for all tokens of a caller, and a cache entry is another with other scopes or roles', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'a b', 'a,b', 'b"', ''), { maxLength: 3 })
    const credential = fc.record({ scopes: names, roles: names, credentialId: fc.string() })
    fc.assert(
      fc.property(credential, credential, (one, two) => {
        const [first, second] = [one, two].map((each) =>
          createIdentity({ scheme: 'jwt', subject: 'ann', ...each }),
        )
        expect(first?.key).toBe(second?.key)
        expect(first?.partition === second?.partition).toBe(isDeepStrictEqual(heldBy(one), heldBy(two)))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('totality', () => {
  test('any byte string as credential gives an identity, 400, 401 or 503, and at most one spelling is accepted', async () => {
    const signer = await createSigner()
    const good = await sign(signer)
    const clock = new ManualClock(START)
    const policy = authenticate([
      verifier([signer], { clock }),
      introspection({
        endpoint: 'https://idp.example/introspect',
        client: { id: 'gate', secret: 'of the gate' },
        audience: false,
        fetch: async () => Response.json({ active: false }),
        clock,
      }),
      basic({ lookup: () => undefined, clock }),
      apiKey({ lookup: () => undefined, prefix: 'hg', clock }),
    ])
    const bytes = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 64 }),
      fc
        .string({ unit: 'binary', minLength: 1, maxLength: 64 })
        .map((text) => text.repeat(256).slice(0, 16_384)),
      fc
        .tuple(fc.nat(good.length), fc.string({ unit: 'binary-ascii', maxLength: 4 }))
        .map(([at, text]) => `Bearer ${good.slice(0, at)}${text}${good.slice(at + text.length)}`),
      fc.constantFrom(' ', '.', 'A', 'Bearer ', '=', 'hg_').map((unit) => unit.repeat(16_384 / unit.length)),
      fc.constantFrom('Bearer', 'Basic', 'bearer ', 'Basic Og', 'Bearer a.b.c', `Bearer ${good}`),
    )
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom('authorization', 'x-api-key'), async (value, field) => {
        const exchange = literalExchange({ headers: { [field]: value } })
        const { status } = await policy.handle(exchange, async () => ANSWER)
        expect([200, 400, 401, 503]).toContain(status)
        if (status === 200) expect(value.slice(7)).toBe(good)
      }),
      { numRuns: 80 },
    )
  }, 30_000)
})
