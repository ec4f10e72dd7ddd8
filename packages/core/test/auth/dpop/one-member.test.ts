import { webcrypto } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { START } from '../jwt/tokens.js'
import {
  type Client,
  createClient,
  goodProof,
  present,
  prove,
  said,
  setting,
  type Setting,
} from './proofs.js'

/** Hundreds of signatures, on a machine that has more to do. */
const SLOW = 60_000

let known: Setting
beforeAll(async () => {
  known = await setting()
})

/** Anything that JSON can say and the good value is not. */
function otherThan(good: unknown): fc.Arbitrary<unknown> {
  const similar =
    typeof good === 'string'
      ? [good.toUpperCase(), `${good} `, ` ${good}`, good.slice(0, -1), `${good}x`, [good], { good }]
      : [String(good), [good]]
  const values = fc.oneof(fc.constantFrom(undefined, null, ...similar), fc.jsonValue(), fc.string())
  return values.filter((value) => JSON.stringify(value) !== JSON.stringify(good))
}

describe('any one member of a valid proof that is another makes it bad, though the client itself signed it', () => {
  // What else would do is left out: the path is compared without query and fragment, the type without case.
  const claims = fc.constantFrom('htm', 'htu', 'ath').chain((name) =>
    otherThan(goodProof(known.token)[name])
      .filter((value) => name !== 'htu' || typeof value !== 'string' || !/items\/42(?:[?#]|$)/i.test(value))
      .map((value) => ({ claims: { [name]: value }, header: {} })),
  )
  const times = fc
    .oneof(
      otherThan(START / 1_000).filter((value) => typeof value !== 'number'),
      fc.integer({ min: 31, max: 1e6 }).map((ahead) => START / 1_000 + ahead),
      fc.integer({ min: 90, max: 1e6 }).map((ago) => START / 1_000 - ago),
    )
    .map((iat) => ({ claims: { iat }, header: {} }))
  const ids = otherThan('')
    .filter((value) => typeof value !== 'string')
    .map((jti) => ({ claims: { jti }, header: {} }))
  const types = otherThan('dpop+jwt')
    .filter((value) => typeof value !== 'string' || !/^(?:application\/)?dpop\+jwt$/i.test(value))
    .map((typ) => ({ claims: {}, header: { typ } }))
  const extensions = fc
    .record({ name: fc.constantFrom('crit', 'b64'), value: fc.jsonValue() })
    .map(({ name, value }) => ({ claims: {}, header: { [name]: value } }))

  interface Change {
    readonly claims: Record<string, unknown>
    readonly header: Record<string, unknown>
  }
  test.each<[string, () => fc.Arbitrary<Change>]>([
    ['method, URL, token', () => claims],
    ['time', () => times],
    ['id', () => ids],
    ['type', () => types],
    ['extension', () => extensions],
  ])(
    '%s',
    async (_name, arbitrary) => {
      const { scheme, token, client } = known
      await fc.assert(
        fc.asyncProperty(fc.constant(undefined).chain(arbitrary), async ({ claims: changed, header }) => {
          const proof = await signed(client, token, changed, header)
          expect((await present(scheme, token, proof)).verdict).toBe('rejected')
        }),
      )
    },
    SLOW,
  )

  test(
    'key',
    async () => {
      const { scheme, token, client } = known
      const other = (await createClient()).jwk
      const changes = fc.oneof(
        fc
          .constantFrom('kty', 'crv', 'x', 'y')
          .chain((name) => otherThan(client.jwk[name]).map((value) => ({ ...client.jwk, [name]: value }))),
        fc
          .constantFrom('d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth')
          .map((name) => ({ ...client.jwk, [name]: 'x' })),
        fc.constantFrom({ use: 'enc' }, { key_ops: ['sign'] }, { alg: 'ES384' }).map((member) => ({
          ...client.jwk,
          ...member,
        })),
        otherThan(client.jwk),
        fc.constant(other),
      )
      await fc.assert(
        fc.asyncProperty(changes, async (jwk) => {
          const proof = await prove(client, token, {}, { jwk })
          expect((await present(scheme, token, proof)).verdict).toBe('rejected')
        }),
      )
    },
    SLOW,
  )
})

test('what it changes is a valid proof', async () => {
  const { scheme, token, client } = known
  expect(said(await present(scheme, token, await signed(client, token, {}, {})))).toBe('accepted')
})

test(
  'any one character of a valid proof that is another makes it bad',
  async () => {
    const { scheme, token, client } = known
    const proof = await prove(client, token)
    const characters = 'ABCDwxyz0189-_.=+/ '.split('')
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: proof.length - 1 }),
        fc.constantFrom('', ...characters),
        async (place, character) => {
          fc.pre(proof[place] !== character)
          const changed = proof.slice(0, place) + character + proof.slice(place + 1)
          expect((await present(scheme, token, changed)).verdict).toBe('rejected')
        },
      ),
      { numRuns: 300 },
    )
    // And by itself it is good.
    expect(said(await present(scheme, token, proof))).toBe('accepted')
  },
  SLOW,
)

test(
  'any text as a proof, and as a token, is refused without a throw',
  async () => {
    const { scheme, token, client } = known
    const proof = await prove(client, token)
    const part = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
      fc.constantFrom(...proof.split('.')),
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(texts, { maxLength: 3 }),
        fc.oneof(fc.constant(token), texts),
        async (lines, given) => {
          fc.pre(lines.join() !== proof)
          expect((await present(scheme, given, lines)).verdict).toBe('rejected')
        },
      ),
      { numRuns: 250 },
    )
  },
  SLOW,
)

/** As a client may that writes what no library signs. */
async function signed(
  { privateKey, jwk }: Client,
  token: string,
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
): Promise<string> {
  const parts = [
    { alg: 'ES256', typ: 'dpop+jwt', jwk, ...header },
    { ...goodProof(token), ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await webcrypto.subtle.sign(algorithm, privateKey, Buffer.from(parts.join('.')))
  return [...parts, Buffer.from(signature).toString('base64url')].join('.')
}
