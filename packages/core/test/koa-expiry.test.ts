import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { Middleware } from 'koa'
import { deferred } from '../../../test-support/deferred.js'
import { rawConnection } from '../../../test-support/http.js'
import { closeApps, startApp } from '../../../test-support/koa.js'
import { apiKey } from '../src/auth/api-key.js'
import { apiKeyDigest } from '../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../src/auth/api-key-memory.js'
import { authenticate } from '../src/auth/authenticate.js'
import { createIdentity } from '../src/auth/identity.js'
import type { ReportedEvent } from '../src/events.js'
import type { Policy } from '../src/exchange.js'
import { exchangeOf, gate, type GateOptions } from '../src/koa.js'
import { ManualClock } from '../src/testing/manual-clock.js'

afterEach(closeApps)

const MINUTE = 60_000
const EVENT = 'data: first\n\n'

/** A caller whose credential is good for a minute, and a client that asks for one answer. */
async function open(handler: Middleware, options: GateOptions = {}, lifetime: number | 'endless' = MINUTE) {
  const clock = new ManualClock()
  const events: ReportedEvent[] = []
  const expiresAt = lifetime === 'endless' ? undefined : clock.now() + lifetime
  const naming: Policy = {
    name: 'naming',
    handle(exchange, next) {
      exchange.identity = createIdentity({ scheme: 'test', subject: 'ann', expiresAt })
      return next()
    },
  }
  const { port } = await startApp(
    gate([naming], { clock, onEvent: (event) => void events.push(event), ...options }),
    handler,
  )
  const socket = await rawConnection(port)
  const seen = { text: '', closed: false }
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => void (seen.text += String(chunk)))
  const closed = once(socket, 'close').then(() => void (seen.closed = true))
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  const until = async (text: string): Promise<void> => {
    while (!seen.text.includes(text)) await once(socket, 'data')
  }
  return { clock, events, seen, closed, until }
}

/** Server-sent events: one at once, the next ones when somebody says so. */
function eventStream(finished: (how: string) => void): Middleware {
  return (ctx) => {
    const signal = exchangeOf(ctx)?.signal
    ctx.type = 'text/event-stream'
    ctx.body = Readable.from(
      (async function* events() {
        try {
          yield EVENT
          if (signal?.aborted === false) await once(signal, 'abort')
        } finally {
          finished(`aborted ${signal?.aborted}`)
        }
      })(),
    )
  }
}

describe('a stream whose caller has a credential that ends', () => {
  test('is cut 30 s after that; its source is told, and its handler by the signal', async () => {
    const finished = deferred<string>()
    const { clock, seen, closed, until, events } = await open(eventStream(finished.resolve))
    await until('first')
    await clock.advance(MINUTE + 29_000)
    expect(events).toEqual([])
    await clock.advance(1_000)
    await closed
    expect(await finished.promise).toBe('aborted true')
    expect(seen.text.endsWith('0\r\n\r\n')).toBe(false) // the last chunk: nobody takes the answer for whole
    expect(events).toEqual([
      { type: 'answer.cut', reason: 'credential-expired', protocol: 'http', operation: 'GET *' },
    ])
    expect(clock.pending).toBe(0)
  })

  test('has its iterator told to return', async () => {
    const returned = deferred<void>()
    const forever: AsyncIterableIterator<string> = {
      [Symbol.asyncIterator]: () => forever,
      next: () => Promise.resolve({ value: EVENT, done: false }),
      return() {
        returned.resolve()
        return Promise.resolve({ value: undefined, done: true })
      },
    }
    const { clock, until } = await open((ctx) => void (ctx.body = Readable.from(forever)))
    await until('first')
    await clock.advance(2 * MINUTE)
    await returned.promise
  })

  test('is cut before it said anything', async () => {
    const handled = deferred<void>()
    const { clock, closed, seen } = await open((ctx) => {
      ctx.body = new Readable({ read: () => handled.resolve() })
    })
    await handled.promise
    await clock.advance(2 * MINUTE)
    await closed
    expect(seen.text).toBe('')
  })

  test('has the tolerance that is set', async () => {
    const { clock, closed, until } = await open(
      eventStream(() => undefined),
      { expiry: { tolerance: '1s' } },
    )
    await until('first')
    await clock.advance(MINUTE + 1_000)
    await closed
  })

  test.each([
    ['the credential has no end', {}, 'endless'],
    ['it is switched off', { expiry: 'off' }, MINUTE],
  ] as const)('goes on where %s', async (_where, options, lifetime) => {
    const pushed = new Readable({ read() {} })
    const { clock, events, until } = await open((ctx) => void (ctx.body = pushed), options, lifetime)
    pushed.push(EVENT)
    await until('first')
    await clock.advance(10 * MINUTE)
    expect(events).toEqual([])
    pushed.push('data: second')
    await until('second')
  })
})

test('a key that ends cuts its stream, and opens no other', async () => {
  const clock = new ManualClock()
  const digest = apiKeyDigest('ann-key-0000000000000')
  const lookup = memoryApiKeys([{ digest, keyId: 'k', subject: 'ann', expiresAt: clock.now() + MINUTE }])
  const { url } = await startApp(
    gate([authenticate([apiKey({ lookup, clock })])], { clock }),
    eventStream(() => undefined),
  )
  const ask = (): Promise<Response> => fetch(url, { headers: { 'x-api-key': 'ann-key-0000000000000' } })
  const stream = await ask()
  await clock.advance(MINUTE + 30_000)
  await expect(stream.text()).rejects.toThrow('terminated')
  expect((await ask()).status).toBe(401)
})

describe('what a handler writes to the socket itself', () => {
  test.each([
    ['and returns', () => undefined],
    ['and waits', (): Promise<void> => new Promise(() => undefined)],
  ])('%s is cut too', async (_how, rest) => {
    const { clock, closed, until, seen } = await open((ctx) => {
      ctx.respond = false
      ctx.res.writeHead(200, { 'content-type': 'text/event-stream' })
      ctx.res.write(EVENT)
      return rest()
    })
    await until('first')
    await clock.advance(2 * MINUTE)
    await closed
    expect(seen.text).toContain('first')
  })
})

describe('an answer that does not flow', () => {
  test('arrives whole, however long its handler took', async () => {
    const entered = deferred<void>()
    const goOn = deferred<void>()
    const { clock, until, events } = await open(async (ctx) => {
      entered.resolve()
      await goOn.promise
      ctx.body = 'the whole answer'
    })
    await entered.promise
    await clock.advance(10 * MINUTE)
    goOn.resolve()
    await until('the whole answer')
    expect(events).toEqual([])
    await clock.advance(1_000)
    expect(clock.pending).toBe(0) // nothing is watched any more
  })
})

describe('a download', () => {
  let content = new Readable()
  const download: Middleware = (ctx) => {
    content = new Readable({ read() {} })
    content.push('first')
    ctx.length = 10
    ctx.body = content
  }

  test('of a known length is cut', async () => {
    const { clock, closed, until } = await open(download)
    await until('first')
    await clock.advance(2 * MINUTE)
    await closed
  })

  test('finishes where that is said', async () => {
    const { clock, until } = await open(download, { expiry: { downloads: 'finish' } })
    await until('first')
    await clock.advance(2 * MINUTE)
    content.push('other')
    await until('firstother')
  })
})

test.each([
  [{ expiry: { tolerance: 0 } }, /gate: expiry\.tolerance/],
  [{ expiry: { downloads: 'maybe' } }, /gate: expiry\.downloads/],
  [{ expiry: { after: '1s' } }, /gate: expiry.*'after'/],
  [{ expiry: 'on' }, /gate: expiry/],
  [{ clock: {} }, /gate: clock/],
])('the option in %j that can not be right is named', (options, message) => {
  expect(() => gate([], options as never)).toThrow(message)
})
