import { describe, expect, test } from '@jest/globals'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { concurrencyLimit } from '../../src/concurrency/concurrency-limit.js'
import type { ConcurrencyLimitOptions } from '../../src/concurrency/options.js'
import type { SlotStore } from '../../src/rate-limit/store.js'
import { refuse } from '../../src/refusal.js'
import type { Answer, Reply } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

const fail = () => Promise.reject(Object.assign(new Error('key of ann'), { code: 'ECONNRESET' }))

/** Two at the same time for each address. */
function setUp(options: Partial<ConcurrencyLimitOptions> = {}) {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const limit = concurrencyLimit({
    store,
    clock,
    quotas: [{ name: 'in-flight', limit: 2, key: 'ip' }],
    ...options,
  })
  const send = (handler: () => Reply | Promise<Reply> = () => OK) => {
    const exchange = literalExchange()
    return { exchange, reply: limit.handle(exchange, async () => handler()) }
  }
  /** A request whose handler answers when it is told to. */
  const open = async () => {
    let finish!: (reply: Reply) => void
    let throwing!: (error: Error) => void
    const answer = new Promise<Reply>((resolve, reject) => ([finish, throwing] = [resolve, reject]))
    const sent = send(() => answer)
    await turn()
    return { ...sent, finish, fail: throwing }
  }
  return { clock, store, limit, send, open }
}

describe('a request that finds a slot', () => {
  test('holds it until its handler has answered, and says what is left', async () => {
    const { send, open } = setUp()
    const one = await open()
    const two = await open()
    expect(await send().reply).toMatchObject({
      code: 'concurrency-exceeded',
      status: 429,
      headers: {
        'retry-after': '1',
        'ratelimit-policy': '"in-flight";q=2;qu="concurrent-requests"',
        ratelimit: '"in-flight";r=0',
      },
      members: { 'violated-policies': ['in-flight'] },
    })
    one.finish(OK)
    expect((await one.reply).headers['ratelimit']).toBe('"in-flight";r=1')
    expect((await send().reply).kind).toBe('answer')
    two.finish(OK)
    await two.reply
  })

  test('gives it back when the handler throws or refuses', async () => {
    const { send, open } = setUp({ quotas: [{ name: 'in-flight', limit: 1, key: 'ip' }] })
    const broken = await open()
    broken.fail(new Error('broken'))
    await expect(broken.reply).rejects.toThrow('broken')
    expect((await send(() => refuse('body-malformed')).reply).kind).toBe('refusal')
    expect((await send().reply).kind).toBe('answer')
  })

  test('holds it while the answer flows, and gives it back when that ends or is left', async () => {
    const { send } = setUp({ quotas: [{ name: 'in-flight', limit: 1, key: 'ip' }] })
    for (const end of [(body: Readable) => body.resume(), (body: Readable) => body.destroy()]) {
      const body = new Readable({ read: () => undefined })
      await send(() => ({ ...OK, body })).reply
      expect((await send().reply).kind).toBe('refusal')
      body.push(null)
      end(body)
      await turn()
      await turn()
      expect((await send().reply).kind).toBe('answer')
    }
  })

  test('concurrency: keeps it however long it runs, and one that died gives it up when its lease is over', async () => {
    const { send, open, clock, store } = setUp({ lease: '3s' })
    await store.acquire([{ quota: 'other', key: 'dead', limit: 1 }], 3_000)
    const one = await open()
    await open()
    await clock.advance(600_000)
    expect((await send().reply).kind).toBe('refusal')
    expect((await store.acquire([{ quota: 'other', key: 'dead', limit: 1 }], 3_000)).outcome).toBe('acquired')
    one.finish(OK)
    await one.reply
    expect((await send().reply).kind).toBe('answer')
    expect(clock.pending).toBe(1)
  })

  test('concurrency: never more than the limit run, whatever the order of starts and ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (steps) => {
        const { open } = setUp()
        const running: Awaited<ReturnType<typeof open>>[] = []
        for (const isStart of steps) {
          if (!isStart) {
            const one = running.shift()
            one?.finish(OK)
            await one?.reply
            continue
          }
          const started = await open()
          const denied = started.exchange.events.some(({ type }) => type === 'concurrency.denied')
          expect(denied).toBe(running.length === 2)
          if (!denied) running.push(started)
        }
        for (const one of running) one.finish(OK)
      }),
      { numRuns: 40 },
    )
  })
})

describe('while the store is away', () => {
  const away: SlotStore = { acquire: fail, renew: fail, release: fail }

  test('each process has its share of the slots, and says so', async () => {
    const { open } = setUp({ store: away, quotas: [{ name: 'q', limit: 9, key: 'ip' }] })
    await open()
    const { exchange } = await open()
    expect(exchange.events).toEqual([
      { type: 'concurrency.store-failed', call: 'acquire', reason: 'ECONNRESET' },
      { type: 'concurrency.admitted', free: 0, degraded: true },
    ])
    expect((await open()).exchange.events).toContainEqual({
      type: 'concurrency.denied',
      violated: ['q'],
      degraded: true,
    })
  })

  test.each([
    ['allow', { status: 200 }],
    ['deny', { code: 'rate-limit-unavailable' }],
  ] as const)(
    'requests pass, or are refused, where the service says so, and it is told: %s',
    async (onStoreDown, reply) => {
      const one = setUp({ store: away, onStoreDown }).send()
      expect(await one.reply).toMatchObject(reply)
      expect(one.exchange.events).toEqual([
        { type: 'concurrency.store-failed', call: 'acquire', reason: 'ECONNRESET' },
        { type: 'concurrency.undecided', admitted: onStoreDown === 'allow' },
      ])
    },
  )

  test('what can not be given back is only told', async () => {
    const { store } = setUp()
    const { open } = setUp({
      store: { acquire: (...all) => store.acquire(...all), renew: fail, release: fail },
    })
    const one = await open()
    one.finish(OK)
    expect((await one.reply).kind).toBe('answer')
    await turn()
    expect(one.exchange.events).toContainEqual({
      type: 'concurrency.store-failed',
      call: 'release',
      reason: 'ECONNRESET',
    })
  })
})

test.each<[string, object, RegExp]>([
  ['a typo', { quota: [] }, /concurrencyLimit: unknown option 'quota'/],
  ['no store', { store: {} }, /concurrencyLimit: store is required/],
  ['no quotas', { quotas: [] }, /concurrencyLimit: quotas must be/],
  ['no slot', { quotas: [{ name: 'a', limit: 0 }] }, /quotas\[0\].limit/],
  ['a name with a quote', { quotas: [{ name: 'a"', limit: 1 }] }, /quotas\[0\].name/],
  [
    'one name twice',
    {
      quotas: [
        { name: 'a', limit: 1 },
        { name: 'a', limit: 2 },
      ],
    },
    /two quotas are named 'a'/,
  ],
  ['another key', { quotas: [{ name: 'a', limit: 1, key: 'user' }] }, /quotas\[0\].key/],
  ['no lease', { lease: 0 }, /concurrencyLimit: lease/],
])('%s is a TypeError', (_name, options, message) => {
  expect(() => setUp(options)).toThrow(TypeError)
  expect(() => setUp(options)).toThrow(message)
})
