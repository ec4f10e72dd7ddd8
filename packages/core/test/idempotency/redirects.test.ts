import { describe, expect, test } from '@jest/globals'
import { idempotency } from '../../src/idempotency/idempotency.js'
import type { Reply } from '../../src/reply.js'
import type { LiteralExchange } from '../../src/testing/exchange.js'
import { answer, CREATED, post, service } from './service.js'

/** A keyed POST of a channel that takes `/items/` and `/items` for the same. */
function postTo(path: string, query = ''): LiteralExchange {
  return post({ path, query, operation: { canonicalPath: withoutSlash } })
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '')
}

function redirect(status: number, location: string): Reply {
  return { kind: 'answer', status, headers: { location }, body: null }
}

describe('an answer that has the client send the same again', () => {
  test.each([
    [308, 'another spelling', '/items'],
    [307, 'another spelling', '/items'],
    [308, 'the same path at another origin', 'https://eu.api.example/items/'],
    [307, 'the same path with another query', '?page=1'],
  ])('%d to %s leaves the key free: what comes then runs', async (status, _name, location) => {
    const replies = [redirect(status, location), CREATED]
    const { send, effects } = service({}, () => replies.shift() ?? CREATED)
    const first = postTo('/items/')
    expect(answer(await send(first)).status).toBe(status)
    expect(first.events.map(({ type }) => type)).toEqual(['idempotency.claimed', 'idempotency.withdrawn'])
    const query = location.startsWith('?') ? 'page=1' : ''
    expect(answer(await send(postTo('/items', query))).status).toBe(201)
    expect(answer(await send(postTo('/items', query))).headers['idempotent-replayed']).toBe('true')
    expect(effects).toHaveLength(2)
  })

  test.each([
    [301, '/items'],
    [303, '/items'],
    [308, '/orders'],
    [307, 'https://['],
  ])('%d to %s is kept as any answer is: nobody comes back with the key', async (status, location) => {
    const { send, effects } = service({}, () => redirect(status, location))
    await send(postTo('/items/'))
    expect(answer(await send(postTo('/items/'))).headers['idempotent-replayed']).toBe('true')
    expect(effects).toHaveLength(1)
  })

  test('is kept when the handler has passed its barrier', async () => {
    const { clock, store } = service()
    const policy = idempotency({ store, clock, barrier: () => 'deferred' })
    const exchange = postTo('/items/')
    await policy.handle(exchange, async () => {
      await policy.begin(exchange)
      return redirect(308, '/items')
    })
    const again = await policy.handle(postTo('/items'), () => Promise.resolve(CREATED))
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([308, 'true'])
  })
})
