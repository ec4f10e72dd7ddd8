import { describe, expect, test } from '@jest/globals'
import { ANONYMOUS, createIdentity } from '../../src/auth/identity.js'
import { cache, type CacheOptions } from '../../src/cache/cache.js'
import type { Fields } from '../../src/fields.js'
import type { CacheRule } from '../../src/operation.js'
import { refuse } from '../../src/refusal.js'
import type { CacheStore } from '../../src/cache/store.js'
import { memoryCacheStore } from '../../src/stores/memory/cache.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ANN, type Asked, BOB, FRESH, PUBLIC, Subject, textOf } from './subject.js'

describe('a second read', () => {
  test('is answered from the store, with its age', async () => {
    const subject = new Subject()
    const first = await subject.ask()
    await subject.clock.advance(7_900)
    const second = await subject.ask()
    expect(subject.handled).toBe(1)
    expect(first.headers['cache-status']).toBe('headgate; fwd=uri-miss; stored')
    expect(second).toEqual({
      ...first,
      headers: { ...first.headers, age: '7', 'content-length': '8', 'cache-status': 'headgate; hit; ttl=52' },
    })
    expect(first.headers).toMatchObject({ date: 'Thu, 01 Jan 2026 00:00:00 GMT', etag: expect.any(String) })
  })

  test('goes to the handler when the time is over', async () => {
    const subject = new Subject()
    await subject.ask()
    await subject.clock.advance(60_000)
    expect(await subject.told()).toBe('headgate; fwd=stale; stored')
    expect(subject.handled).toBe(2)
  })

  test('is never answered past its lifetime, though the store may keep it longer', async () => {
    const clock = new ManualClock()
    const memory = memoryCacheStore({ clock })
    const fill: CacheStore['fill'] = (key, ticket, how) =>
      memory.fill(key, ticket, { ...how, keep: Infinity })
    const subject = new Subject({ clock, store: { ...memory, fill } })
    await subject.ask()
    await clock.advance(60_000)
    expect(await subject.told()).toBe('headgate; fwd=stale; stored')
  })

  test('counts the age that the answer came with, and the time the handler took', async () => {
    const subject = new Subject()
    subject.headers = { ...FRESH, age: '10' }
    await subject.ask({}, async () => {
      await subject.clock.advance(5_000)
      return subject.answer()
    })
    expect((await subject.ask()).headers['age']).toBe('15')
    await subject.clock.advance(45_000)
    expect(await subject.told()).toContain('fwd=stale')
  })

  test('goes to the handler after each of a write, a throw and a failure at the same address', async () => {
    const outcomes = [
      (subject: Subject) => subject.ask({ method: 'PUT' }),
      (subject: Subject) => subject.ask({ method: 'DELETE' }, () => ({ ...subject.answer(), status: 204 })),
      (subject: Subject) => subject.ask({ method: 'PUT' }, () => ({ ...subject.answer(), status: 500 })),
      (subject: Subject) =>
        subject.ask({ method: 'PUT' }, () => ({ ...subject.answer(), status: 404, uncaptured: true })),
      (subject: Subject) => subject.ask({ method: 'PUT' }, () => refuse('idempotency-failed')),
      (subject: Subject) =>
        subject.ask({ method: 'PUT' }, () => Promise.reject(new Error('broken'))).catch(() => {}),
    ]
    for (const write of outcomes) {
      const subject = new Subject()
      await subject.ask()
      await write(subject)
      expect(await subject.told()).toContain('fwd=uri-miss; stored')
    }
  })

  test('is still answered after a write that changed nothing', async () => {
    const subject = new Subject()
    await subject.ask()
    await subject.ask({ method: 'PUT' }, () => ({ ...subject.answer(), status: 422 }))
    await subject.ask({ method: 'PUT' }, () => refuse('validation-failed'))
    await subject.ask({ method: 'OPTIONS' })
    await subject.ask({ method: 'PUT', path: '/items/43' })
    expect(await subject.told()).toContain('hit')
  })
})

describe('nobody gets the answer of another', () => {
  test('identity, tenant of scopes, or stranger', async () => {
    const subject = new Subject()
    const narrow = createIdentity({ scheme: 'api-key', subject: 'ann', scopes: ['less'] })
    for (const identity of [ANN, BOB, narrow, ANONYMOUS]) await subject.ask({ identity })
    await subject.ask()
    expect(subject.handled).toBe(5)
    for (const identity of [ANN, BOB, narrow, ANONYMOUS]) await subject.ask({ identity })
    expect(subject.handled).toBe(5)
  })

  test('also not of one who is not named', async () => {
    for (const nobody of [{}, { identity: ANONYMOUS }]) {
      const subject = new Subject()
      await subject.ask(nobody)
      expect(await subject.told({ identity: ANN })).toContain('fwd=uri-miss')
    }
  })

  test('method, origin, path, query or content', async () => {
    const subject = new Subject()
    const read = { effect: 'read' as const }
    const asks: Asked[] = [
      {},
      { path: '/items/43' },
      { origin: 'https://other.example' },
      { origin: 'http://api.example' },
      { query: 'a=1' },
      { query: 'a=1&b=2' },
      { method: 'QUERY', body: 'a' },
      { method: 'QUERY', body: 'b' },
      { method: 'POST', operation: read },
      { method: 'POST', operation: read, body: 'a' },
    ]
    for (const ask of asks) await subject.ask(ask)
    expect(subject.handled).toBe(asks.length)
    const texts = await Promise.all(asks.map(async (ask) => textOf(await subject.ask(ask))))
    expect(texts).toEqual(asks.map((_ask, index) => `answer ${index + 1}`))
  })

  test('not the method, where the operation says that every one asks the same', async () => {
    const operation = { effect: 'read', byAnyMethod: true, fingerprint: () => 'the same' } as const
    const subject = new Subject()
    const made = await subject.ask({ method: 'POST', body: 'a', operation })
    expect(made.headers['etag']).toBeDefined()
    for (const method of ['GET', 'QUERY', 'HEAD', 'POST']) {
      const served = await subject.ask({ method, operation })
      expect(served.headers['cache-status']).toContain('hit')
      expect(served.headers['etag']).toBe(made.headers['etag'])
    }
    expect(subject.handled).toBe(1)
  })

  test('selecting fields', async () => {
    const subject = new Subject()
    subject.headers = { ...FRESH, vary: 'Accept-Language' }
    const languages = [
      {},
      { 'accept-language': 'de' },
      { 'accept-language': 'en' },
      { 'accept-language': '' },
    ]
    for (const headers of languages) await subject.ask({ headers })
    expect(subject.handled).toBe(4)
    expect(await subject.told({ headers: { 'accept-language': 'en' } })).toContain('hit')
    expect(await subject.told({ headers: { 'accept-language': 'fr' } })).toContain('fwd=vary-miss')
  })

  test('fields that the rule names, and the client reads them in Vary', async () => {
    const subject = new Subject()
    const rule = { vary: ['X-Shop'] }
    const first = await subject.ask({ rule, headers: { 'x-shop': 'a' } })
    const second = await subject.ask({ rule, headers: { 'x-shop': 'b' } })
    expect([first.headers['vary'], second.headers['vary'], subject.handled]).toEqual(['x-shop', 'x-shop', 2])
  })

  test('coding: encoded content without a Vary is for those who accept the same', async () => {
    const subject = new Subject()
    subject.headers = { ...FRESH, 'content-encoding': 'gzip' }
    await subject.ask({ headers: { 'accept-encoding': 'gzip' } })
    expect(await subject.told()).toContain('fwd=vary-miss')
  })
})

describe('a public answer', () => {
  test.each<[string, Fields, CacheRule]>([
    ['by its own word', PUBLIC, {}],
    ['by the rule', {}, { ttl: '1m', public: true }],
  ])('%s serves every identity and strangers', async (_name, headers, rule) => {
    const subject = new Subject()
    subject.headers = headers
    await subject.ask({ identity: ANN, rule })
    for (const identity of [BOB, ANONYMOUS]) expect(await subject.told({ identity, rule })).toContain('hit')
    expect(await subject.told({ rule })).toContain('hit')
  })

  test('gives way to the caller’s own', async () => {
    const subject = new Subject()
    subject.headers = PUBLIC
    await subject.ask({ identity: ANN })
    subject.headers = FRESH
    await subject.ask({ identity: ANN, headers: { 'cache-control': 'no-cache' } })
    expect(await textOf(await subject.ask({ identity: ANN }))).toBe('answer 2')
    expect(await textOf(await subject.ask({ identity: BOB }))).toBe('answer 1')
  })
})

describe('HEAD', () => {
  test('is answered from a stored GET, with its fields and without its content', async () => {
    const subject = new Subject()
    const got = await subject.ask()
    const head = await subject.ask({ method: 'HEAD' })
    expect(head).toMatchObject({
      status: 200,
      body: null,
      headers: { etag: got.headers['etag'], 'content-length': '8' },
    })
  })

  test('is never stored, and never tagged by the content it does not have', async () => {
    const subject = new Subject()
    const head = await subject.ask({ method: 'HEAD' }, () => subject.answer(Buffer.alloc(0)))
    expect(head.headers['cache-status']).toBe('headgate; fwd=uri-miss; stored=?0; detail=head')
    expect(head.headers['etag']).toBeUndefined()
    expect(await textOf(await subject.ask())).toBe('answer 2')
  })
})

test('events tell what happened, and nothing that is secret', async () => {
  const subject = new Subject()
  const headers = { 'x-secret': 'secret' }
  await subject.ask({ headers, identity: ANN, query: 'secret' })
  expect(subject.exchange.events).toEqual([
    { type: 'cache.miss', reason: 'uri-miss' },
    { type: 'cache.stored', shared: false, bytes: 8, ttl: 60_000 },
  ])
  await subject.clock.advance(1_000)
  await subject.ask({ headers, identity: ANN, query: 'secret' })
  expect(subject.exchange.events).toEqual([
    { type: 'cache.hit', age: 1_000, ttl: 59_000, notModified: false },
  ])
})

test.each([
  {},
  { store: {} },
  { store: memoryCacheStore(), name: '' },
  { store: memoryCacheStore(), name: 'a\nb' },
  { store: memoryCacheStore(), maxBodyBytes: '1mb' },
  { store: memoryCacheStore(), clock: {} },
  { store: memoryCacheStore(), ttl: 60 },
])('%j are no settings', (options) => {
  expect(() => cache(options as unknown as CacheOptions)).toThrow(TypeError)
})

test('a rule that can not be right is an error that names it', async () => {
  await expect(new Subject().ask({ rule: { ttl: 'soon' as '1s' } })).rejects.toThrow('cache: ttl')
})
