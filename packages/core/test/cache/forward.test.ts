import { PassThrough, Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import type { Fields } from '../../src/fields.js'
import { memoryCacheStore } from '../../src/stores/memory/cache.js'
import { FRESH, Subject, textOf } from './subject.js'

describe('If-None-Match', () => {
  test('is answered by 304 on a miss and on a hit', async () => {
    const subject = new Subject()
    const first = await subject.ask()
    const headers = { 'if-none-match': String(first.headers['etag']) }
    const onHit = await subject.ask({ headers })
    expect([onHit.kind === 'answer' && onHit.status, onHit.kind === 'answer' && onHit.body]).toEqual([
      304,
      null,
    ])
    expect(onHit.headers).toMatchObject({
      etag: first.headers['etag'],
      age: '0',
      date: first.headers['date'],
    })
    expect(onHit.headers['content-length']).toBeUndefined()

    const other = new Subject()
    const onMiss = await other.ask({ headers })
    expect(onMiss.kind === 'answer' && onMiss.status).toBe(304)
    expect(onMiss.headers['cache-status']).toBe('headgate; fwd=uri-miss; stored')
    expect(await textOf(await other.ask())).toBe('answer 1')
  })

  test('decides by the handler’s own tag where it has one, also for answers that are not stored', async () => {
    const subject = new Subject()
    subject.headers = { etag: '"v1"' }
    const reply = await subject.ask({ headers: { 'if-none-match': 'W/"v1"' } })
    expect(reply).toMatchObject({ status: 304, headers: { etag: '"v1"' } })
    expect(await subject.ask({ headers: { 'if-none-match': '"v2"' } })).toMatchObject({ status: 200 })
  })

  test('does not turn other methods, statuses or the handler’s 304 into something else', async () => {
    const subject = new Subject()
    const headers = { 'if-none-match': '*' }
    const read = { effect: 'read' as const }
    expect(await subject.ask({ method: 'POST', operation: read, headers })).toMatchObject({ status: 200 })
    expect(await subject.ask({ method: 'POST', operation: read, headers })).toMatchObject({ status: 200 })
    expect(await subject.ask({ method: 'PUT', headers })).toMatchObject({ status: 200 })
    subject.status = 404
    expect(await subject.ask({ headers })).toMatchObject({ status: 404 })
    expect(await subject.ask({ headers })).toMatchObject({ status: 404, headers: { age: '0' } })
    subject.status = 304
    expect(await subject.told({ path: '/other', headers })).toBe(
      'headgate; fwd=uri-miss; stored=?0; detail=status',
    )
    expect(await subject.told({ path: '/other', headers })).toContain('fwd=uri-miss')
  })

  test('an answer that must not be kept gets no tag', async () => {
    const subject = new Subject()
    subject.headers = { 'cache-control': 'no-store' }
    expect((await subject.ask()).headers['etag']).toBeUndefined()
  })
})

describe('a stored answer', () => {
  test('is without the fields of one exchange', async () => {
    const subject = new Subject()
    subject.headers = {
      ...FRESH,
      connection: 'x-listed, keep-alive',
      'x-listed': '1',
      'keep-alive': 'timeout=5',
      'transfer-encoding': 'chunked',
      ratelimit: '"a";r=1',
      'ratelimit-policy': '"a";q=1',
      'x-ratelimit-limit': '1',
      'retry-after': '1',
      traceparent: '00-x',
      'x-request-id': 'r1',
      'access-control-allow-origin': 'https://a.example',
      'x-total-count': '7',
      link: ['</a>; rel="a"', '</b>; rel="b"'],
    }
    const first = await subject.ask()
    expect(first.headers).toMatchObject(subject.headers)
    const { headers } = await subject.ask()
    expect(Object.keys(headers).toSorted()).toEqual([
      'age',
      'cache-control',
      'cache-status',
      'content-length',
      'date',
      'etag',
      'link',
      'x-total-count',
    ])
    expect(headers['link']).toEqual(subject.headers['link'])
  })

  test('is without the fields that its Cache-Control keeps out', async () => {
    const subject = new Subject()
    subject.headers = {
      'cache-control': 'max-age=60, no-cache="X-A", private="x-b"',
      'x-a': '1',
      'x-b': '2',
      'x-c': '3',
    }
    await subject.ask()
    const { headers } = await subject.ask()
    expect([headers['x-a'], headers['x-b'], headers['x-c']]).toEqual([undefined, undefined, '3'])
  })

  test('is never one with a cookie, a wrong length, too much content or too many tags', async () => {
    const subject = new Subject({ maxBodyBytes: 10 })
    const detail = async (headers: Fields, body?: Buffer, tags: readonly string[] = []): Promise<string> => {
      subject.headers = { ...FRESH, ...headers }
      return subject.told({ operation: { tags: () => tags } }, () => subject.answer(body))
    }
    expect(await detail({ 'set-cookie': ['a=1'] })).toContain('stored=?0; detail=set-cookie')
    expect(await detail({ 'content-length': '9' })).toContain('stored=?0; detail=wrong-length')
    expect(await detail({}, Buffer.alloc(11))).toContain('stored=?0; detail=too-large')
    const many = Array.from({ length: 1_001 }, (_, index) => `Item:${index}`)
    expect(await detail({}, undefined, many)).toContain('stored=?0; detail=too-many-tags')
    expect(await detail({ 'content-length': '8' })).toContain('fwd=uri-miss; stored')
  })
})

describe('a stream', () => {
  test('passes as it comes and is stored at its end', async () => {
    const subject = new Subject()
    const source = new PassThrough()
    const reply = await subject.ask({}, () => subject.answer(source))
    expect(reply.headers['cache-status']).toBe('headgate; fwd=uri-miss')
    source.write('first ')
    await setImmediate()
    expect(await subject.told()).toContain('fwd=uri-miss')
    source.end('last')
    expect(await textOf(reply)).toBe('first last')
    expect(await textOf(await subject.ask())).toBe('first last')
    expect(subject.handled).toBe(2)
  })

  test('counts the time it took as age', async () => {
    const subject = new Subject()
    const source = new PassThrough()
    const reply = await subject.ask({}, () => subject.answer(source))
    await subject.clock.advance(20_000)
    source.end('content')
    const { events } = subject.exchange
    await textOf(reply)
    expect(events.at(-1)).toMatchObject({ type: 'cache.stored', ttl: 40_000 })
    expect((await subject.ask()).headers['age']).toBe('20')
    await subject.clock.advance(40_000)
    expect(await subject.told()).toContain('fwd=stale')
  })

  test('that a write overtakes is not stored', async () => {
    const subject = new Subject()
    const source = new PassThrough()
    const reply = await subject.ask({}, () => subject.answer(source))
    const { events } = subject.exchange
    await subject.ask({ method: 'PUT' })
    source.end('content')
    await textOf(reply)
    expect(events).toContainEqual({ type: 'cache.not-stored', reason: 'overtaken' })
    expect(await subject.told()).toContain('fwd=uri-miss')
  })

  test('of another length than announced, over the limit, or cut is not stored', async () => {
    const subject = new Subject({ maxBodyBytes: 10 })
    const reasons: unknown[] = []
    const run = async (headers: Fields, chunks: readonly string[], leave = false): Promise<void> => {
      subject.headers = { ...FRESH, ...headers }
      const reply = await subject.ask({}, () => subject.answer(Readable.from(chunks, { objectMode: false })))
      const { events } = subject.exchange
      if (reply.kind === 'answer' && reply.body instanceof Readable) {
        if (leave) reply.body.destroy()
        else expect(await textOf(reply)).toBe(chunks.join(''))
      }
      await setImmediate()
      reasons.push(events.at(-1))
    }
    await run({ 'content-length': '5' }, ['1234'])
    await run({}, ['123456', '789012'])
    await run({ 'content-length': '12' }, ['123456', '789012'])
    await run({}, ['1234'], true)
    expect(reasons).toEqual(
      ['wrong-length', 'too-large', 'too-large', 'truncated'].map((reason) => ({
        type: 'cache.not-stored',
        reason,
      })),
    )
  })

  test('goes out whole on a miss, whatever the client has, and is a 304 on a hit', async () => {
    const subject = new Subject()
    subject.headers = { ...FRESH, etag: '"v1"' }
    const headers = { 'if-none-match': '"v1"' }
    const first = await subject.ask({ headers }, () => subject.answer(Readable.from(['content'])))
    expect(first).toMatchObject({ status: 200 })
    expect(await textOf(first)).toBe('content')
    expect(await subject.ask({ headers })).toMatchObject({ status: 304, headers: { etag: '"v1"' } })
  })

  test('of events, or that may not be stored, is handed on untouched', async () => {
    const subject = new Subject()
    for (const headers of [
      { ...FRESH, 'content-type': 'text/event-stream' },
      { 'cache-control': 'no-store' },
    ]) {
      subject.headers = headers
      const source = new PassThrough()
      const reply = await subject.ask({}, () => subject.answer(source))
      expect(reply.kind === 'answer' && reply.body).toBe(source)
    }
  })
})

function fails(): never {
  throw new Error('away')
}

const away = (): Promise<never> => Promise.reject(new Error('away'))
const silence = (): Promise<never> => new Promise(() => {})

describe('when the store', () => {
  test('can not be asked, the handler answers', async () => {
    for (const lookup of [fails, away]) {
      const subject = new Subject({ store: { ...memoryCacheStore(), lookup } })
      expect(await subject.told()).toBe('headgate; fwd=bypass; detail=store-failed')
      expect(subject.exchange.events).toContainEqual({ type: 'cache.store-failed', call: 'lookup' })
    }
  })

  test('can not be filled, the client has its answer', async () => {
    const subject = new Subject({ store: { ...memoryCacheStore(), fill: fails } })
    expect(await subject.told()).toBe('headgate; fwd=uri-miss; stored=?0; detail=store-failed')
  })

  test('is filled over the network, nobody waits for it', async () => {
    const subject = new Subject({ store: { ...memoryCacheStore(), fill: silence } })
    expect(await subject.told()).toBe('headgate; fwd=uri-miss')
  })

  test('can not be filled over the network, it is told to observers', async () => {
    const subject = new Subject({ store: { ...memoryCacheStore(), fill: away } })
    await subject.ask()
    await setImmediate()
    expect(subject.exchange.events.at(-1)).toEqual({ type: 'cache.not-stored', reason: 'store-failed' })
  })

  test('can not invalidate, the write is answered and observers are told', async () => {
    const subject = new Subject({ store: { ...memoryCacheStore(), invalidate: fails } })
    expect(await subject.ask({ method: 'PUT' })).toMatchObject({ status: 200 })
    expect(subject.exchange.events).toEqual([{ type: 'cache.store-failed', call: 'invalidate' }])
  })
})
