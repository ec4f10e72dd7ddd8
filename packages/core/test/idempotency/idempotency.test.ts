import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { ANONYMOUS } from '../../src/auth/identity.js'
import type { Reply } from '../../src/reply.js'
import type { IdempotencyStore } from '../../src/idempotency/store.js'
import { refuse } from '../../src/refusal.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import type { ExchangeInit, LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ANN, answer, BOB, CREATED, deferred, pass, post, refusal, service } from './service.js'

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

async function* breakingOff(): AsyncGenerator<Buffer> {
  yield Buffer.from('half')
  throw new Error('broken off')
}

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
    const { send, effects } = service({}, () => ({ ...CREATED, body: Readable.from(breakingOff()) }))
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
    'host that is a service of its own': post({ operation: { host: 'b.example' } }),
  }
  test.each(Object.keys(others))('%s', async (name) => {
    const { send, effects } = service()
    await send()
    expect(await send(others[name])).toEqual(CREATED)
    expect(effects).toHaveLength(2)
  })
})

test.each<ExchangeInit>([
  { operation: { name: 'mutation Again' } },
  { origin: 'https://eu.api.example', headers: { host: 'eu.api.example' } },
])('a name that the client chose does not make a second key of one: %j', async (init) => {
  const { send } = service()
  await send()
  expect((await send(post(init))).headers).toHaveProperty('idempotent-replayed')
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

const keyless = (init: ExchangeInit = {}): LiteralExchange =>
  post({ ...init, headers: { 'idempotency-key': [] } })

describe('a request without a usable key', () => {
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
