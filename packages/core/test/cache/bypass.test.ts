import { describe, expect, test } from '@jest/globals'
import { ANONYMOUS } from '../../src/auth/identity.js'
import type { Answer } from '../../src/reply.js'
import { isRefusal, refuse } from '../../src/refusal.js'
import { ANN, type Asked, PUBLIC, Subject } from './subject.js'

describe('the cache stays out', () => {
  test.each<[string, Asked]>([
    ['bypass; detail=off', { rule: 'off' }],
    ['method', { method: 'OPTIONS' }],
    ['bypass; detail=authorization', { headers: { authorization: 'Bearer x' } }],
    ['bypass; detail=authorization', { identity: ANONYMOUS, headers: { authorization: 'Bearer x' } }],
    ['bypass; detail=authorization', { headers: { authorization: 'Bearer x' }, rule: { public: true } }],
    ['bypass; detail=cookie', { headers: { cookie: 'a=1' } }],
    ['bypass; detail=cookie', { identity: ANONYMOUS, headers: { cookie: 'a=1' } }],
    ['bypass; detail=no-store', { headers: { 'cache-control': 'no-store' } }],
    ['bypass; detail=range', { headers: { range: 'bytes=0-1' } }],
    ['bypass; detail=precondition', { headers: { 'if-match': '"x"' } }],
    ['bypass; detail=precondition', { headers: { 'if-unmodified-since': 'x' } }],
    ['bypass; detail=fingerprint', { operation: { fingerprint: () => refuse('body-too-large') } }],
  ])('fwd=%s: %j', async (status, ask) => {
    const subject = new Subject()
    subject.headers = PUBLIC
    for (const handled of [1, 2]) {
      expect(await subject.told(ask)).toBe(`headgate; fwd=${status}`)
      expect(subject.handled).toBe(handled)
    }
    await subject.ask()
    expect(subject.handled).toBe(3)
  })

  test('of an upgrade, without a word', async () => {
    const subject = new Subject()
    const reply = await subject.ask({ headers: { connection: 'upgrade', upgrade: 'websocket' } })
    expect(reply).toEqual(subject.answer())
  })

  test('of what the handler writes itself', async () => {
    const subject = new Subject()
    const written: Answer = { ...subject.answer(), uncaptured: true }
    expect(await subject.ask({}, () => written)).toBe(written)
    expect(await subject.ask({ method: 'PUT' }, () => written)).toBe(written)
  })

  test('of refusals', async () => {
    const subject = new Subject()
    const refusal = refuse('not-acceptable')
    for (const method of ['GET', 'PUT']) expect(await subject.ask({ method }, () => refusal)).toBe(refusal)
    expect(await subject.told()).toContain('fwd=uri-miss')
  })

  test('not of a cookie that the rule has thought of, nor of one beside a known caller', async () => {
    const subject = new Subject()
    const headers = { cookie: 'a=1' }
    for (const ask of [{ rule: { vary: ['Cookie'] } }, { rule: { public: true } }, { identity: ANN }]) {
      await subject.ask({ ...ask, headers })
      expect(await subject.told({ ...ask, headers })).toContain('hit')
    }
  })
})

describe('a request', () => {
  test.each([
    [{ 'cache-control': 'no-cache' }, 'fwd=request; stored'],
    [{ pragma: 'no-cache' }, 'fwd=request; stored'],
    [{ pragma: 'no-cache', 'cache-control': 'x' }, 'hit'],
    [{ 'cache-control': 'max-age=9' }, 'fwd=request; stored'],
    [{ 'cache-control': 'max-age=10' }, 'hit'],
    [{ 'cache-control': 'min-fresh=51' }, 'fwd=request; stored'],
    [{ 'cache-control': 'min-fresh=50' }, 'hit'],
    [{ 'cache-control': 'only-if-cached' }, 'hit'],
  ])('with %j of an answer 10 s old: %s', async (headers, status) => {
    const subject = new Subject()
    await subject.ask()
    await subject.clock.advance(10_000)
    expect(await subject.told({ headers })).toContain(status)
  })

  test.each([{}, { authorization: 'Bearer x' }, { cookie: 'a' }])(
    'that only wants a stored answer never reaches the handler, with %j',
    async (more) => {
      const subject = new Subject()
      const reply = await subject.ask({ headers: { 'cache-control': 'only-if-cached', ...more } })
      expect(isRefusal(reply) && reply.code).toBe('not-cached')
      expect(reply.headers).toEqual({})
      expect(subject.handled).toBe(0)
    },
  )
})
