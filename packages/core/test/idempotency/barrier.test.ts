import { describe, expect, test } from '@jest/globals'
import type { Reply } from '../../src/reply.js'
import type { IdempotencyStore } from '../../src/idempotency/store.js'
import { idempotency, type IdempotencyPolicy } from '../../src/idempotency/idempotency.js'
import { refuse } from '../../src/refusal.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import type { LiteralExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { answer, CREATED, deferred, pass, post, refusal } from './service.js'

type Handler = (begin: () => Promise<void>) => Reply | Promise<Reply>

/** A policy with a deferred barrier; `send` runs a handler of its own each time. */
function deferring(methods: (store: IdempotencyStore) => Partial<IdempotencyStore> = () => ({})) {
  const clock = new ManualClock()
  const memory = memoryIdempotencyStore({ clock })
  const store = { ...memory, ...methods(memory) }
  const policy: IdempotencyPolicy = idempotency({ store, clock, barrier: () => 'deferred' })
  const send = (handler: Handler, exchange: LiteralExchange = post()): Promise<Reply> =>
    policy.handle(exchange, async () => handler(() => policy.begin(exchange)))
  return { clock, policy, send }
}

const created: Handler = async (begin) => {
  await begin()
  return CREATED
}

describe('before its barrier', () => {
  test('an error answer leaves the key free, and goes out', async () => {
    const { send } = deferring()
    for (const status of [400, 422, 429, 503]) {
      expect(answer(await send(() => ({ ...CREATED, status }))).status).toBe(status)
    }
    expect(await send(created, post({ body: '{"corrected":true}' }))).toEqual(CREATED)
  })

  test('a throw leaves the key free, and goes on', async () => {
    const { send } = deferring()
    await expect(send(() => Promise.reject(new Error('early')))).rejects.toThrow('early')
    expect(await send(created)).toEqual(CREATED)
  })

  test('a success is kept: there was no effect, and there is an answer', async () => {
    const { send } = deferring()
    await send(() => CREATED)
    expect(answer(await send(created)).headers).toHaveProperty('idempotent-replayed')
  })

  test('an owner that vanished is followed by the next one, and does nothing any more', async () => {
    const { clock, send } = deferring(() => ({ renew: () => Promise.resolve(false) }))
    const paused = deferred<void>()
    const exchange = post()
    let effects = 0
    const act: Handler = async (begin) => {
      await begin()
      effects += 1
      return CREATED
    }
    const first = send(async (begin) => {
      await paused.promise
      return act(begin)
    }, exchange)
    await pass(clock, 10_000)
    expect(await send(act)).toEqual(CREATED)
    paused.resolve()
    expect(refusal(await first)).toMatchObject({
      code: 'idempotency-claim-lost',
      status: 409,
      headers: { 'retry-after': '1' },
      members: { retryable: true, safe_new_key: false },
    })
    expect(effects).toBe(1)
    expect(exchange.events.at(-1)).toMatchObject({ type: 'idempotency.claim-lost' })
  })

  test('a store that does not answer stops the effect; a retry runs', async () => {
    let away = true
    const { clock, send } = deferring((memory) => ({
      begin: (...args) => (away ? new Promise(() => {}) : memory.begin(...args)),
    }))
    let effects = 0
    const act: Handler = async (begin) => {
      await begin()
      effects += 1
      return CREATED
    }
    const first = send(act)
    await pass(clock, 1_000)
    expect(refusal(await first)).toMatchObject({ code: 'idempotency-store-unavailable', status: 503 })
    away = false
    expect(await send(act)).toEqual(CREATED)
    expect(effects).toBe(1)
  })

  test('a handler that swallows the error does not get its answer out', async () => {
    const { send } = deferring(() => ({ begin: () => Promise.resolve(false) }))
    const reply = await send(async (begin) => {
      await begin().catch(() => undefined)
      return CREATED
    })
    expect(refusal(reply).code).toBe('idempotency-claim-lost')
  })
})

describe('past its barrier', () => {
  test('errors are kept, as they are without one', async () => {
    const { send } = deferring()
    await send(async (begin) => {
      await begin()
      return { ...CREATED, status: 503 }
    })
    expect(answer(await send(created))).toMatchObject({
      status: 503,
      headers: { 'idempotent-replayed': 'true' },
    })
  })

  test('a throw is a stored failure, and so is a refusal', async () => {
    for (const end of [() => Promise.reject(new Error('late')), () => refuse('not-cached')]) {
      const { send } = deferring()
      const first = send(async (begin) => {
        await begin()
        return end()
      })
      await first.catch(() => undefined)
      expect(refusal(await send(created)).code).toBe('idempotency-failed')
    }
  })

  test('a handler that did not wait for it is past it', async () => {
    const { send } = deferring()
    await send((begin) => {
      void begin()
      return { ...CREATED, status: 400 }
    })
    expect(answer(await send(created)).status).toBe(400)
  })

  test('it is passed once, however often it is called', async () => {
    let begins = 0
    const { send } = deferring((memory) => ({
      begin(...args) {
        begins += 1
        return memory.begin(...args)
      },
    }))
    await send(async (begin) => {
      await Promise.all([begin(), begin()])
      await begin()
      return CREATED
    })
    expect(begins).toBe(1)
  })
})

test('where there is no barrier to pass, begin does nothing', async () => {
  const { send } = deferring()
  const keyless = post({ headers: { 'idempotency-key': [] } })
  expect(await send(created, keyless)).toEqual(CREATED)
  expect(await send(created, keyless)).toEqual(CREATED)
})
