import { describe, expect, test } from '@jest/globals'
import { authenticate } from '../../src/auth/authenticate.js'
import { accepted, rejected, type Scheme } from '../../src/auth/scheme.js'
import { type Refusal, refuse } from '../../src/refusal.js'
import { ANN, key, outcome, send } from './chain.js'

/** Reads two fields: good if both say `ann`. */
const pair: Scheme = {
  name: 'pair',
  credential: { field: 'x-name', companions: ['x-proof'] },
  challenge: { authScheme: 'Pair' },
  verify: (name, exchange) =>
    name === 'ann' && exchange.lines('x-proof').join() === 'ann' ? accepted(ANN) : rejected('malformed'),
}

describe('a credential in several fields', () => {
  test('is one credential', async () => {
    expect(await outcome([pair], { headers: { 'x-name': 'ann', 'x-proof': 'ann' } })).toBe('ann')
  })

  test.each([{ 'x-name': 'ann' }, { 'x-proof': 'ann' }, { 'x-name': '' }, { 'x-proof': '' }])(
    'is a bad one when a part of it is missing, also where none is needed: %j',
    async (headers) => {
      expect(await outcome([pair], { headers }, { mode: 'optional' })).toBe('credentials-invalid')
    },
  )

  test('is not there when none of its fields is', async () => {
    expect(await outcome([pair], { headers: { 'x-other': 'ann' } }, { mode: 'optional' })).toBe('anonymous')
  })

  test('gives its scheme all lines of its field', async () => {
    const lines: string[] = []
    const seen: Scheme = { ...pair, verify: (name) => (lines.push(name), rejected('malformed')) }
    await outcome([seen], { headers: { 'x-name': ['a', 'b'], 'x-proof': ['c', 'd'] } })
    expect(lines).toEqual(['a, b'])
  })

  test.each([{ 'x-name': 'ann' }, { 'x-proof': 'ann' }])(
    'is ambiguous beside another credential: %j',
    async (part) => {
      const headers = { ...part, 'x-api-key': 'good' }
      expect(await outcome([pair, key], { headers })).toBe('credentials-ambiguous')
      expect(await outcome([key, pair], { headers })).toBe('credentials-ambiguous')
    },
  )

  test.each([
    [{ field: 'x-name', companions: ['X-Proof'] }, /schemes\[0\]\.credential\.companions/],
    [{ field: 'x-name', companions: 'x-proof' }, /schemes\[0\]\.credential\.companions/],
    [{ field: 'authorization', authScheme: 'Pair', companions: ['x-proof'] }, /companions can not be given/],
  ])('must be described rightly: %j', (credential, message) => {
    expect(() => authenticate([{ ...pair, credential } as unknown as Scheme])).toThrow(message)
  })
})

describe('a credential that can not be checked for a fault of the request', () => {
  test('is answered with that fault, and told as a rejection', async () => {
    const refusal = refuse('body-too-large', { headers: { connection: 'close' } })
    const scheme: Scheme = { ...pair, verify: () => rejected('malformed', { at: 'content', refusal }) }
    const { reply, exchange } = await send([scheme], { headers: { 'x-name': 'ann' } })
    expect(reply).toMatchObject({
      kind: 'refusal',
      status: 413,
      headers: { connection: 'close', 'cache-control': 'no-store' },
    })
    expect(exchange.events).toMatchObject([
      { type: 'auth.refused', code: 'body-too-large', reason: 'malformed', at: 'content' },
    ])
  })

  test('is a 401 where a scheme of somebody’s own gives something else as the fault', async () => {
    const refusal = { status: 413 } as unknown as Refusal
    const scheme: Scheme = { ...pair, verify: () => rejected('malformed', { refusal }) }
    expect(await outcome([scheme], { headers: { 'x-name': 'ann' } })).toBe('credentials-invalid')
  })
})
