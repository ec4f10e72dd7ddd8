import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { authenticate } from '../../../src/auth/authenticate.js'
import { keyedNonces } from '../../../src/auth/dpop/nonces.js'
import type { Answer } from '../../../src/reply.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { START } from '../jwt/tokens.js'
import { present, prove, said, setting } from './proofs.js'

const SECRET = 'a secret of at least thirty-two bytes'
const OLDER = 'the one before, of thirty-two bytes too'
const [secret, older] = [Buffer.from(SECRET), Buffer.from(OLDER)]

describe('nonces', () => {
  test('are good for one span of time, ageing in the next, and bad after that', () => {
    const nonces = keyedNonces([secret], 60_000)
    const nonce = nonces.current(START)
    expect(nonce).toMatch(/^[\w-]{22}$/)
    const seen = [0, 59_999, 60_000, 119_999, 120_000, 6_000_000].map((later) =>
      nonces.judge(nonce, START + later),
    )
    expect(seen).toEqual(['good', 'good', 'ageing', 'ageing', 'bad', 'bad'])
    expect(nonces.current(START + 60_000)).not.toBe(nonce)
  })

  test('of a process whose clock is ahead by less than a span are good', () => {
    const ahead = keyedNonces([secret], 60_000).current(START + 61_000)
    expect(keyedNonces([secret], 60_000).judge(ahead, START + 1_000)).toBe('good')
    const farAhead = keyedNonces([secret], 60_000).current(START + 121_000)
    expect(keyedNonces([secret], 60_000).judge(farAhead, START + 1_000)).toBe('bad')
  })

  test('of a secret that was replaced are known, and replaced; those of a stranger are not', () => {
    const before = keyedNonces([older], 60_000).current(START)
    expect(keyedNonces([secret, older], 60_000).judge(before, START)).toBe('ageing')
    expect(keyedNonces([secret], 60_000).judge(before, START)).toBe('bad')
    expect(
      keyedNonces([older, secret], 60_000).judge(keyedNonces([secret], 60_000).current(START), START),
    ).toBe('ageing')
  })

  test('that nobody made are bad, however time goes', () => {
    const nonces = keyedNonces([secret, older], 60_000)
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: -600_000, max: 600_000 }), (text, later) => {
        expect(nonces.judge(text, START + later)).toBe('bad')
      }),
    )
  })
})

describe('with nonces', () => {
  const nonce = { secrets: [SECRET], lifetime: '1m' } as const

  test('a proof without one, or with an old one, is asked for the current one', async () => {
    const { scheme, token, client, clock } = await setting({ nonce })
    const current = keyedNonces([secret], 60_000).current(START)
    for (const given of [undefined, 'x'.repeat(22), keyedNonces([secret], 60_000).current(START - 120_000)]) {
      const verdict = await present(scheme, token, await prove(client, token, { nonce: given }))
      expect(said(verdict)).toBe('nonce-demanded DPoP.nonce')
      expect(verdict).toMatchObject({
        genuine: true,
        challenge: { error: 'use_dpop_nonce' },
        headers: { 'dpop-nonce': current },
      })
    }
    expect(said(await present(scheme, token, await prove(client, token, { nonce: current })))).toBe(
      'accepted',
    )
    await clock.advance(120_000)
    expect(said(await present(scheme, token, await prove(client, token, { nonce: current })))).toBe(
      'nonce-demanded DPoP.nonce',
    )
  })

  test('nobody is given one who does not hold the key', async () => {
    const { scheme, token, client } = await setting({ nonce })
    const proof = await prove(client, token)
    const forged = `${proof.slice(0, -4)}AAAA`
    const verdict = await present(scheme, token, forged)
    expect(said(verdict)).toBe('bad-signature DPoP')
    expect(JSON.stringify(verdict)).not.toContain('nonce')
  })

  test('one that has no text is malformed', async () => {
    const { scheme, token, client } = await setting({ nonce })
    for (const wrong of [5, null, '', ['x']]) {
      const proof = await prove(client, token, { nonce: wrong })
      expect(said(await present(scheme, token, proof))).toBe('malformed DPoP.nonce')
    }
  })

  test('the client\u2019s clock plays no part', async () => {
    const { scheme, token, client } = await setting({ nonce })
    const current = keyedNonces([secret], 60_000).current(START)
    for (const iat of [0, START / 1_000 + 86_400]) {
      const proof = await prove(client, token, { nonce: current, iat })
      expect(said(await present(scheme, token, proof))).toBe('accepted')
    }
  })

  test('a proof is good once, for as long as its nonce may be taken', async () => {
    const { scheme, token, client, clock } = await setting({ nonce })
    // The newest nonce there can be: that of a process whose clock is ahead.
    const next = keyedNonces([secret], 60_000).current(START + 60_000)
    const proof = await prove(client, token, { nonce: next })
    expect(said(await present(scheme, token, proof))).toBe('accepted')
    for (let minute = 0; minute < 3; minute += 1) {
      await clock.advance(59_999)
      expect(said(await present(scheme, token, proof))).toBe('replayed DPoP.jti')
      await clock.advance(1)
    }
    expect(said(await present(scheme, token, proof))).toBe('nonce-demanded DPoP.nonce')
  })

  test('the next one comes with the answer before the old one ends, and no such answer is stored', async () => {
    const { scheme, token, client, clock } = await setting({ nonce })
    const policy = authenticate([scheme])
    const answer: Answer = {
      kind: 'answer',
      status: 200,
      headers: { 'cache-control': 'max-age=60' },
      body: null,
    }
    const send = async (given: string) => {
      const dpop = await prove(client, token, { nonce: given })
      const exchange = literalExchange({ headers: { authorization: `DPoP ${token}`, dpop } })
      return policy.handle(exchange, async () => answer)
    }
    const first = keyedNonces([secret], 60_000).current(START)
    expect((await send(first)).headers).toEqual({ 'cache-control': 'max-age=60' })
    await clock.advance(60_000)
    const second = keyedNonces([secret], 60_000).current(clock.now())
    expect((await send(first)).headers).toEqual({ 'cache-control': 'no-store', 'dpop-nonce': second })
    expect((await send(second)).headers).toEqual({ 'cache-control': 'max-age=60' })
  })

  test('the next one comes with an error of the handler too', async () => {
    const { scheme, token, client, clock } = await setting({ nonce })
    const first = keyedNonces([secret], 60_000).current(START)
    await clock.advance(60_000)
    const dpop = await prove(client, token, { nonce: first })
    const error = new Error('mine')
    const exchange = literalExchange({ headers: { authorization: `DPoP ${token}`, dpop } })
    const sent = authenticate([scheme]).handle(exchange, () => Promise.reject(error))
    await expect(sent).rejects.toBe(error)
    expect(error).toMatchObject({
      headers: { 'dpop-nonce': keyedNonces([secret], 60_000).current(clock.now()) },
    })
  })
})
