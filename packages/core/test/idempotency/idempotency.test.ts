import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { ANONYMOUS, createIdentity } from '../../src/auth/identity.js'
import type { Answer, Next, Reply } from '../../src/exchange.js'
import { idempotency, type IdempotencyOptions } from '../../src/idempotency/idempotency.js'
import type { IdempotencyStore } from '../../src/idempotency/store.js'
import { type Refusal, refuse } from '../../src/refusal.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { type ExchangeInit, literalExchange, type LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const ANN = createIdentity({ scheme: 'jwt', subject: 'ann' })
const BOB = createIdentity({ scheme: 'jwt', subject: 'bob' })

function post(init: ExchangeInit = {}): LiteralExchange {
  return literalExchange({
    method: 'POST',
    path: '/items',
    identity: ANN,
    body: '{"name":"lock"}',
    ...init,
    headers: { 'idempotency-key': 'key-1', 'content-type': 'application/json', ...init.headers },
  })
}

const CREATED: Answer = {
  kind: 'answer',
  status: 201,
  headers: { 'content-type': 'application/json', location: '/items/1' },
  body: Buffer.from('{"id":1}'),
}

/** A policy over a memory store, and a handler that counts its effects. */
function service(
  options: Partial<IdempotencyOptions> = {},
  answer: () => Reply | Promise<Reply> = () => CREATED,
) {
  const clock = new ManualClock()
  const store = options.store ?? memoryIdempotencyStore({ clock })
  const policy = idempotency({ clock, ...options, store })
  const effects: number[] = []
  const handler: Next = async () => {
    effects.push(clock.now())
    return answer()
  }
  const send = (exchange: LiteralExchange = post()): Promise<Reply> => policy.handle(exchange, handler)
  return { clock, store, policy, effects, send }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => (resolve = settle))
  return { promise, resolve: (value) => resolve(value) }
}

/** Lets time pass in steps: what is under way sets its timers before the next step. */
async function pass(clock: ManualClock, duration: number): Promise<void> {
  const end = clock.now() + duration
  while (clock.now() < end) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(Math.min(100, end - clock.now()))
  }
}

function refusal(reply: Reply): Refusal {
  if (reply.kind !== 'refusal') throw new Error(`expected a refusal; got ${reply.status}`)
  return reply
}

function answer(reply: Reply): Answer {
  if (reply.kind !== 'answer') throw new Error(`expected an answer; got ${reply.code}`)
  return reply
}

describe('a retry', () => {
  test('gets the first answer again, marked, and nothing runs', async () => {
    const { send, effects } = service()
    expect(await send()).toEqual(CREATED)
    const exchange = post({ headers: { 'idempotency-key': '"key-1"' } })
    expect(await send(exchange)).toEqual({
      ...CREATED,
      headers: { ...CREATED.headers, 'idempotent-replayed': 'true', 'cache-control': 'no-store' },
    })
    expect(effects).toHaveLength(1)
    expect(exchange.events).toEqual([expect.objectContaining({ type: 'idempotency.replayed', status: 201 })])
  })

  test('gets an error again, too: it may have followed an effect', async () => {
    for (const status of [400, 404, 429, 500, 503]) {
      const { send, effects } = service({}, () => ({ ...CREATED, status }))
      await send()
      expect(answer(await send()).status).toBe(status)
      expect(effects).toHaveLength(1)
    }
  })

  test('gets an answer without content again', async () => {
    const { send } = service({}, () => ({ kind: 'answer', status: 204, headers: {}, body: null }))
    await send()
    expect(answer(await send())).toMatchObject({ status: 204, body: null })
  })

  test('runs anew when the retention has ended', async () => {
    const { send, clock, effects } = service({ retention: '1h' })
    await send()
    await clock.advance(3_599_999)
    await send()
    expect(effects).toHaveLength(1)
    await clock.advance(1)
    await send()
    expect(effects).toHaveLength(2)
  })

  test('with another body is refused, and says that another key is safe', async () => {
    const { send, effects } = service()
    await send()
    const reply = refusal(await send(post({ body: '{"name":"weir"}' })))
    expect(reply).toMatchObject({
      code: 'idempotency-key-reused',
      status: 422,
      members: { retryable: false, safe_new_key: true, operation_ref: expect.any(String) },
    })
    expect(effects).toHaveLength(1)
  })

  test('with another value of a field that selects behaviour is refused', async () => {
    const { send } = service({ vary: ['API-Version'] })
    await send(post({ headers: { 'api-version': '1' } }))
    expect(answer(await send(post({ headers: { 'api-version': '1' } }))).status).toBe(201)
    expect(refusal(await send(post({ headers: { 'api-version': '2' } }))).code).toBe('idempotency-key-reused')
    expect(refusal(await send(post())).code).toBe('idempotency-key-reused')
  })
})

describe('while the first runs', () => {
  test('fifty copies make one effect; the others learn when to come back', async () => {
    const gate = deferred<void>()
    const { send, effects } = service({}, async () => {
      await gate.promise
      return CREATED
    })
    const replies = Array.from({ length: 50 }, () => send())
    const others = await Promise.all(replies.slice(1))
    for (const other of others) {
      expect(refusal(other)).toMatchObject({
        code: 'idempotency-in-flight',
        status: 409,
        headers: { 'retry-after': '10' },
        members: { retryable: true, safe_new_key: false },
      })
    }
    gate.resolve()
    expect(await replies[0]).toEqual(CREATED)
    expect(effects).toHaveLength(1)
  })

  test('another body is a mismatch at once', async () => {
    const gate = deferred<Reply>()
    const { send } = service({}, () => gate.promise)
    const first = send()
    expect(refusal(await send(post({ body: '{}' }))).status).toBe(422)
    gate.resolve(CREATED)
    await first
  })

  test('the lease is renewed, however long it takes, and the timer ends with it', async () => {
    const gate = deferred<Reply>()
    const { send, clock, effects } = service({}, () => gate.promise)
    const first = send()
    await pass(clock, 60_000)
    expect(refusal(await send()).code).toBe('idempotency-in-flight')
    gate.resolve(CREATED)
    await first
    expect(answer(await send()).headers).toHaveProperty('idempotent-replayed')
    expect(effects).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  test('a lease that could not be renewed is an unknown outcome, until the owner answers after all', async () => {
    const clock = new ManualClock()
    const memory = memoryIdempotencyStore({ clock })
    const store = { ...memory, renew: () => Promise.reject(new Error('away')) }
    const gate = deferred<Reply>()
    const { send, effects } = service({ clock, store }, () => gate.promise)
    const exchange = post()
    const first = send(exchange)
    await pass(clock, 10_000)
    expect(refusal(await send())).toMatchObject({
      code: 'idempotency-outcome-unknown',
      status: 409,
      members: { reason: 'lease-lapsed', retryable: false, safe_new_key: false },
    })
    gate.resolve(CREATED)
    expect(await first).toEqual(CREATED)
    expect(answer(await send()).headers).toHaveProperty('idempotent-replayed')
    expect(effects).toHaveLength(1)
    expect(exchange.events).toContainEqual(
      expect.objectContaining({ type: 'idempotency.store-failed', call: 'renew' }),
    )
  })
})

describe('a handler that throws', () => {
  test('is not run again: the error goes on, retries get a stored failure', async () => {
    const broken = new Error('the database is gone')
    const { send, effects } = service({}, () => Promise.reject(broken))
    await expect(send()).rejects.toBe(broken)
    const reply = refusal(await send())
    expect(reply).toMatchObject({ code: 'idempotency-failed', status: 500, members: { retryable: false } })
    expect(JSON.stringify(reply)).not.toContain('database')
    expect(effects).toHaveLength(1)
  })

  test('also when its answer breaks off while it is read', async () => {
    const body = (): Readable =>
      Readable.from(
        (async function* () {
          yield Buffer.from('half')
          throw new Error('broken off')
        })(),
      )
    const { send, effects } = service({}, () => ({ ...CREATED, body: body() }))
    await expect(send()).rejects.toThrow('broken off')
    expect(refusal(await send()).code).toBe('idempotency-failed')
    expect(effects).toHaveLength(1)
  })
})

test('a refusal from behind leaves the key free, and goes out as it is', async () => {
  const refused = refuse('not-cached')
  let reply: Reply = refused
  const { send, effects } = service({}, () => reply)
  expect(await send()).toBe(refused)
  reply = CREATED
  expect(await send(post({ body: '{"other":true}' }))).toEqual(CREATED)
  expect(effects).toHaveLength(2)
})

test('a body that can not be read refuses before anything is claimed', async () => {
  const refused = refuse('body-too-large')
  const { send, effects } = service()
  expect(await send(post({ operation: { fingerprint: () => refused } }))).toBe(refused)
  expect(await send()).toEqual(CREATED)
  expect(effects).toHaveLength(1)
})

describe('a key belongs to one', () => {
  const others: Readonly<Record<string, LiteralExchange>> = {
    caller: post({ identity: BOB }),
    method: post({ method: 'PATCH' }),
    path: post({ path: '/items/' }),
    operation: post({ operation: { name: 'POST /other' } }),
  }
  test.each(Object.keys(others))('%s', async (name) => {
    const { send, effects } = service()
    await send()
    expect(await send(others[name])).toEqual(CREATED)
    expect(effects).toHaveLength(2)
  })
})

describe('who may use a key', () => {
  test('nobody who is not known, unless it is said', async () => {
    for (const identity of [ANONYMOUS, undefined]) {
      const { policy, send, effects } = service()
      const exchange = { ...post(), identity }
      expect(policy.needsIdentity).toBe(true)
      expect(refusal(await send(exchange)).code).toBe('idempotency-caller-unknown')
      expect(effects).toHaveLength(0)
    }
  })

  test('everybody in one key space, if it is said', async () => {
    const { policy, send, effects } = service({ anonymous: true })
    expect(policy.needsIdentity).toBe(false)
    await send({ ...post(), identity: undefined })
    await send(post({ identity: ANONYMOUS }))
    await send(post({ identity: ANN }))
    expect(effects).toHaveLength(2)
  })
})

describe('a request without a usable key', () => {
  const keyless = (init: ExchangeInit = {}): LiteralExchange =>
    post({ ...init, headers: { 'idempotency-key': [] } })

  test('runs where a key is optional, as often as it comes', async () => {
    const { send, effects } = service()
    await send(keyless())
    await send(keyless())
    expect(effects).toHaveLength(2)
  })

  test('is refused where one is required', async () => {
    const { send, effects } = service()
    expect(refusal(await send(keyless({ operation: { idempotency: 'required' } })))).toMatchObject({
      code: 'idempotency-key-missing',
      status: 400,
      members: { retryable: false, safe_new_key: true },
    })
    expect(effects).toHaveLength(0)
  })

  test.each([['a, b'], [''], ['"'], [['a', 'b']]])('is refused when the key is %j', async (key) => {
    const { send, effects } = service()
    expect(refusal(await send(post({ headers: { 'idempotency-key': key } })))).toMatchObject({
      code: 'idempotency-key-malformed',
      status: 400,
    })
    expect(effects).toHaveLength(0)
  })

  test('reads and operations without idempotency ignore the field, even a malformed one', async () => {
    const { send, effects } = service()
    const headers = { 'idempotency-key': ['a', 'b'] }
    await send(post({ headers, operation: { idempotency: 'off' } }))
    await send(post({ headers, operation: { effect: 'read', idempotency: 'required' } }))
    expect(effects).toHaveLength(2)
  })
})

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
    const { send, effects } = service({ maxBody: 8 }, () => (tombstones[name] ?? (() => CREATED))())
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

describe('a store that fails', () => {
  const away = (): Promise<never> => Promise.reject(new Error('away'))
  const silent = (): Promise<never> => new Promise(() => {})
  const broken = (clock: ManualClock, methods: Partial<IdempotencyStore>): IdempotencyStore => ({
    ...memoryIdempotencyStore({ clock }),
    ...methods,
  })

  test('before the barrier: nothing runs, and the client is told when to come back', async () => {
    for (const claim of [away, silent]) {
      const clock = new ManualClock()
      const { send, effects } = service({ clock, store: broken(clock, { claim }) })
      const exchange = post()
      const reply = send(exchange)
      await pass(clock, 1_000)
      expect(refusal(await reply)).toMatchObject({
        code: 'idempotency-store-unavailable',
        status: 503,
        headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/) },
        members: { retryable: true },
      })
      expect(effects).toHaveLength(0)
      expect(exchange.events).toContainEqual(
        expect.objectContaining({ type: 'idempotency.store-failed', call: 'claim' }),
      )
    }
  })

  test('with a claim that is won too late: it is taken back, and a retry runs', async () => {
    const clock = new ManualClock()
    const memory = memoryIdempotencyStore({ clock })
    const late = deferred<void>()
    let claims = 0
    const store: IdempotencyStore = {
      ...memory,
      async claim(cell, claim) {
        claims += 1
        if (claims === 1) await late.promise
        return memory.claim(cell, claim)
      },
    }
    const { send, effects } = service({ clock, store })
    const first = send()
    await pass(clock, 1_000)
    expect(refusal(await first).code).toBe('idempotency-store-unavailable')
    late.resolve()
    await pass(clock, 100)
    expect(await send()).toEqual(CREATED)
    expect(effects).toHaveLength(1)
  })

  test('with a claim that was won and its reply lost: it is taken back', async () => {
    const clock = new ManualClock()
    const memory = memoryIdempotencyStore({ clock })
    let lost = true
    const store: IdempotencyStore = {
      ...memory,
      async claim(cell, claim) {
        const verdict = await memory.claim(cell, claim)
        if (!lost) return verdict
        lost = false
        throw new Error('connection reset')
      },
    }
    const { send, effects } = service({ clock, store })
    expect(refusal(await send()).code).toBe('idempotency-store-unavailable')
    expect(await send()).toEqual(CREATED)
    expect(effects).toHaveLength(1)
  })

  test('when the record is written, for a while: the answer waits and goes out', async () => {
    const clock = new ManualClock()
    const memory = memoryIdempotencyStore({ clock })
    let failures = 0
    const store: IdempotencyStore = {
      ...memory,
      complete: (...args) => (++failures < 3 ? away() : memory.complete(...args)),
    }
    const { send, effects } = service({ clock, store })
    const reply = send()
    await pass(clock, 10_000)
    expect(await reply).toEqual(CREATED)
    expect(answer(await send()).headers).toHaveProperty('idempotent-replayed')
    expect(effects).toHaveLength(1)
  })

  test('when the record is written, for good: no success leaves, and nothing runs again', async () => {
    for (const complete of [away, silent, () => Promise.resolve('stale' as const)]) {
      const clock = new ManualClock()
      const { send, effects } = service({ clock, store: broken(clock, { complete }) })
      const exchange = post()
      const reply = send(exchange)
      await pass(clock, 10_000)
      expect(refusal(await reply)).toMatchObject({
        code: 'idempotency-outcome-unknown',
        members: { reason: 'completion-lost', safe_new_key: false },
      })
      expect(exchange.events.at(-1)).toMatchObject({ type: 'idempotency.unknown', reason: 'completion-lost' })
      await clock.advance(10_000)
      expect(refusal(await send()).code).toBe('idempotency-outcome-unknown')
      expect(effects).toHaveLength(1)
    }
  })

  test('when the record of a long stream is lost: the stream is closed', async () => {
    const clock = new ManualClock()
    const body = Readable.from(['12345', '6789', '0123'])
    const store = broken(clock, { complete: () => Promise.resolve('stale') })
    const { send } = service({ clock, store, maxBody: 4 }, () => ({ ...CREATED, body }))
    expect(refusal(await send()).code).toBe('idempotency-outcome-unknown')
    await pass(clock, 100)
    expect(body.destroyed).toBe(true)
  })

  test('when a claim is taken back after a refusal: the refusal goes out all the same', async () => {
    const clock = new ManualClock()
    const { send } = service({ clock, store: broken(clock, { withdraw: away }) }, () => refuse('not-cached'))
    expect(refusal(await send()).code).toBe('not-cached')
  })

  test('no success leaves before its record is stored', async () => {
    const clock = new ManualClock()
    const memory = memoryIdempotencyStore({ clock })
    const gate = deferred<void>()
    let stored = false
    const store: IdempotencyStore = {
      ...memory,
      async complete(...args) {
        await gate.promise
        const verdict = await memory.complete(...args)
        stored = true
        return verdict
      },
    }
    const { send } = service({ clock, store })
    const reply = send().then((sent) => ({ sent, stored }))
    await pass(clock, 900)
    expect(stored).toBe(false)
    gate.resolve()
    expect(await reply).toEqual({ sent: CREATED, stored: true })
  })

  test('that is full: new keys wait, known ones are answered', async () => {
    const clock = new ManualClock()
    const { send } = service({ clock, store: memoryIdempotencyStore({ clock, maxEntries: 1 }) })
    await send()
    expect(refusal(await send(post({ headers: { 'idempotency-key': 'key-2' } })))).toMatchObject({
      code: 'idempotency-store-full',
      status: 503,
      headers: { 'retry-after': '60' },
      members: { retryable: true, safe_new_key: false },
    })
    expect(answer(await send()).status).toBe(201)
  })
})

test('a key from before the store was made is an unknown outcome', async () => {
  const { send, effects } = service()
  const key = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
  expect(refusal(await send(post({ headers: { 'idempotency-key': key } })))).toMatchObject({
    code: 'idempotency-outcome-unknown',
    members: { reason: 'store-amnesia' },
  })
  expect(effects).toHaveLength(0)
})

test('neither a key nor a body is in any event, refusal or store key', async () => {
  const clock = new ManualClock()
  const memory = memoryIdempotencyStore({ clock })
  const seen: unknown[] = []
  const store: IdempotencyStore = {
    ...memory,
    claim(cell, claim) {
      seen.push(cell, claim)
      return memory.claim(cell, claim)
    },
  }
  const { send } = service({ clock, store })
  const headers = { 'idempotency-key': 'key-secret' }
  const exchanges = [
    post({ headers, body: 'body-secret' }),
    post({ headers, body: 'body-secret' }),
    post({ headers }),
    post({ headers: { 'idempotency-key': 'key secret' } }),
  ]
  for (const exchange of exchanges) {
    const reply = await send(exchange)
    seen.push(exchange.events, reply)
  }
  expect(JSON.stringify(seen)).not.toMatch(/secret/)
})

test.each([
  [{}, 'store'],
  [{ store: {} }, 'store'],
  [{ retention: '1 day' }, 'retention'],
  [{ retention: 0 }, 'retention'],
  [{ lease: -1 }, 'lease'],
  [{ storeTimeout: Number.NaN }, 'storeTimeout'],
  [{ maxBody: -1 }, 'maxBody'],
  [{ maxBody: '1mb' }, 'maxBody'],
  [{ anonymous: 'yes' }, 'anonymous'],
  [{ keepHeaders: 'etag' }, 'keepHeaders'],
  [{ keepHeaders: ['no such name'] }, 'keepHeaders'],
  [{ keepHeaders: ['Set-Cookie'] }, 'set-cookie'],
  [{ keepHeaders: ['X-RateLimit-Limit'] }, 'x-ratelimit-limit'],
  [{ keepHeaders: ['Access-Control-Allow-Origin'] }, 'access-control-allow-origin'],
  [{ vary: [1] }, 'vary'],
  [{ clock: null }, 'clock'],
  [{ newId: 'uuid' }, 'newId'],
  [{ ttl: '1h' }, 'ttl'],
])('the option in %j is refused by name', (options, name) => {
  const store = memoryIdempotencyStore()
  expect(() =>
    idempotency({ store, ...options, ...(name === 'store' && { store: undefined }) } as never),
  ).toThrow(new RegExp(`idempotency: .*${name}`))
})
