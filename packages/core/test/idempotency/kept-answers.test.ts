import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { Answer } from '../../src/reply.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { answer, CREATED, refusal, service } from './service.js'

describe('what is kept of an answer', () => {
  test('its own fields, and none of a moment, a connection or a session', async () => {
    const kept = { etag: '"1"', link: ['<a>', '<b>'], 'x-total': '7', location: '/items/1' }
    const headers = {
      ...kept,
      'set-cookie': 's=1',
      'ratelimit-policy': 'p',
      date: 'now',
      'x-other': '1',
      'retry-after': '1',
    }
    const { send } = service({ keepHeaders: ['X-Total'] }, () => ({ ...CREATED, headers }))
    expect(answer(await send()).headers).toEqual(headers)
    expect(answer(await send()).headers).toEqual({
      ...kept,
      'idempotent-replayed': 'true',
      'cache-control': 'no-store',
    })
  })

  test('a stream up to the limit', async () => {
    const { send } = service({}, () => ({ ...CREATED, body: Readable.from(['a', 'b', 'c']) }))
    expect(answer(await send()).body).toEqual(Buffer.from('abc'))
    expect(answer(await send()).body).toEqual(Buffer.from('abc'))
  })

  const tombstones: Readonly<Record<string, () => Answer>> = {
    'a stream over the limit': () => ({ ...CREATED, body: Readable.from(['12345', '6789']) }),
    'bytes over the limit': () => ({ ...CREATED, body: Buffer.from('123456789') }),
    'a stream without an end': () => ({
      ...CREATED,
      headers: { ...CREATED.headers, 'content-type': 'text/event-stream; charset=utf-8' },
      body: new Readable({ read() {} }),
    }),
    'an answer the handler writes itself': () => ({ ...CREATED, body: null, uncaptured: true }),
  }
  test.each(Object.keys(tombstones))('of %s: that it was, and where its result is', async (name) => {
    const { send, effects } = service({ maxBodyBytes: 8 }, () => (tombstones[name] ?? (() => CREATED))())
    const first = answer(await send())
    expect(first.status).toBe(201)
    if (name === 'a stream over the limit') {
      expect(Buffer.concat(await (first.body as Readable).toArray()).toString()).toBe('123456789')
    }
    expect(refusal(await send())).toMatchObject({
      code: 'idempotency-result-not-kept',
      status: 409,
      members: { original_status: 201, location: '/items/1', retryable: false, safe_new_key: false },
    })
    expect(effects).toHaveLength(1)
  })

  test('only that it was, when the store has no room for the body', async () => {
    const clock = new ManualClock()
    const { send, effects } = service(
      { clock, store: memoryIdempotencyStore({ clock, maxBytes: 2_048 }) },
      () => ({ ...CREATED, body: Buffer.alloc(4_096) }),
    )
    expect(answer(await send()).body).toHaveLength(4_096)
    expect(refusal(await send()).code).toBe('idempotency-result-not-kept')
    expect(effects).toHaveLength(1)
  })
})
