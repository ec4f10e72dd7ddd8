import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { cache } from '../../src/cache/cache.js'
import type { CacheStore } from '../../src/cache/store.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ANN, type Asked, BOB, FRESH, Subject } from './subject.js'

const tags = (): string[] => ['Item:42', 'Item[]']

function broken(): never {
  throw new Error('broken')
}

describe('a write', () => {
  test('invalidates what it says, wherever that was stored and for whomever', async () => {
    const subject = new Subject()
    const ask: Asked = { path: '/lists', operation: { tags } }
    for (const identity of [ANN, BOB]) await subject.ask({ ...ask, identity })
    await subject.ask({ method: 'POST', path: '/elsewhere', operation: { invalidates: () => ['Item:42'] } })
    expect(subject.exchange.events).toContainEqual({ type: 'cache.invalidated', tags: 2 })
    for (const identity of [ANN, BOB])
      expect(await subject.told({ ...ask, identity })).toContain('fwd=uri-miss')
  })

  test('has invalidated before its answer goes out', async () => {
    const subject = new Subject()
    await subject.ask()
    let release: (() => void) | undefined
    const { store, clock } = subject
    const slow: CacheStore = {
      ...store,
      invalidate: (keys) =>
        new Promise((resolve) => {
          release = () => resolve(store.invalidate(keys))
        }),
    }
    let answered = false
    const writing = cache({ store: slow, clock })
      .handle(literalExchange({ method: 'PUT' }), async () => subject.answer())
      .then(() => (answered = true))
    await setImmediate()
    expect(answered).toBe(false)
    release?.()
    await writing
    expect(await subject.told()).toContain('fwd=uri-miss')
  })

  test('invalidates what Location and Content-Location name, at the same origin only', async () => {
    const subject = new Subject()
    const asks = [
      { path: '/items/1' },
      { path: '/items/2', query: 'a=b' },
      { path: '/items/3' },
      { path: '/items/4' },
      { origin: 'https://other.example', path: '/items/3' },
    ]
    for (const ask of asks) await subject.ask(ask)
    subject.headers = {
      location: ['/items/1', 'https://other.example/items/3', 'http://api.example/items/4', 'https://['],
      'content-location': 'https://API.example:443/items/2?a=b',
    }
    await subject.ask({ method: 'POST', path: '/items' })
    subject.headers = FRESH
    const statuses = await Promise.all(asks.map((ask) => subject.told(ask)))
    expect(statuses.map((status) => status.includes('hit'))).toEqual([false, false, true, true, true])
  })

  test('invalidates its address however the query was spelled by whoever asked first', async () => {
    const subject = new Subject()
    const operation = { fingerprint: () => 'of both spellings' }
    const ask: Asked = { path: '/items', query: 'q=a%2fb', operation }
    const writes = [
      { method: 'PUT', path: '/items', query: 'q=a%2fb', location: '/elsewhere' },
      { method: 'POST', path: '/orders', query: '', location: '/items?q=%61%2fb' },
    ]
    for (const { location, ...write } of writes) {
      await subject.ask({ ...ask, query: '%71=%61%2Fb' })
      expect(await subject.told(ask)).toContain('hit')
      subject.headers = { location }
      await subject.ask(write)
      subject.headers = FRESH
      expect(await subject.told(ask)).toContain('fwd=uri-miss')
    }
  })

  test('that runs while a read is handled wins, also by a tag that only the read’s answer names', async () => {
    const subject = new Subject()
    await subject.ask({ path: '/lists', operation: { tags } }, async () => {
      const before = subject.answer(Buffer.from('before'))
      await subject.ask({ method: 'POST', path: '/elsewhere', operation: { invalidates: () => ['Item[]'] } })
      return before
    })
    expect(await subject.told({ path: '/lists', operation: { tags } })).toContain('fwd=uri-miss; stored')
  })

  test('says that it was overtaken where it was', async () => {
    const subject = new Subject()
    const status = await subject.told({}, async () => {
      await subject.ask({ method: 'PUT' })
      return subject.answer()
    })
    expect(status).toBe('headgate; fwd=uri-miss; stored=?0; detail=overtaken')
  })

  test('at one address leaves the POST reads there, which have tags', async () => {
    const subject = new Subject()
    const read: Asked = {
      method: 'POST',
      path: '/graphql',
      body: 'query',
      operation: { effect: 'read', tags },
    }
    await subject.ask(read)
    await subject.ask({ method: 'POST', path: '/graphql', body: 'mutation' })
    expect(await subject.told(read)).toContain('hit')
    await subject.ask({ method: 'POST', path: '/graphql', operation: { invalidates: tags } })
    expect(await subject.told(read)).toContain('fwd=uri-miss')
  })

  test('that names its tags by a broken function still invalidates its address, and answers', async () => {
    const subject = new Subject()
    await subject.ask()
    expect(await subject.told({ method: 'PUT', operation: { invalidates: broken } })).toBe(
      'headgate; fwd=method',
    )
    expect(subject.exchange.events).toContainEqual({ type: 'cache.tags-failed', call: 'invalidates' })
    expect(await subject.told({ operation: { tags: broken } })).toBe(
      'headgate; fwd=uri-miss; stored=?0; detail=tags-failed',
    )
  })
})
