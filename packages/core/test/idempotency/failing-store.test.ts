import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { Reply } from '../../src/reply.js'
import type { IdempotencyStore } from '../../src/idempotency/store.js'
import { refuse } from '../../src/refusal.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { answer, BOB, CREATED, deferred, pass, post, refusal, service } from './service.js'

const away = (): Promise<never> => Promise.reject(new Error('away'))
const silent = (): Promise<never> => new Promise(() => {})
const broken = (clock: ManualClock, methods: Partial<IdempotencyStore>): IdempotencyStore => ({
  ...memoryIdempotencyStore({ clock }),
  ...methods,
})

describe('a store that fails', () => {
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

  test('with a renewal that hangs: the next one is sent all the same', async () => {
    const clock = new ManualClock()
    const memory = memoryIdempotencyStore({ clock })
    let renewals = 0
    const store: IdempotencyStore = {
      ...memory,
      renew: (...args) => (++renewals === 1 ? silent() : memory.renew(...args)),
    }
    const answering = deferred<Reply>()
    const { send } = service({ clock, store }, () => answering.promise)
    const first = send()
    await pass(clock, 30_000)
    expect(refusal(await send()).code).toBe('idempotency-in-flight')
    answering.resolve(CREATED)
    expect(await first).toEqual(CREATED)
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
    const { send } = service({ clock, store, maxBodyBytes: 4 }, () => ({ ...CREATED, body }))
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
    await send(post({ identity: BOB }))
    expect(refusal(await send(post({ headers: { 'idempotency-key': 'key-2' } })))).toMatchObject({
      code: 'idempotency-store-full',
      status: 503,
      headers: { 'retry-after': '60' },
      members: { retryable: true, safe_new_key: false },
    })
    expect(answer(await send(post({ identity: BOB }))).status).toBe(201)
  })
})
