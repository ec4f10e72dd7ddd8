import { describe, expect, test } from '@jest/globals'
import { ANONYMOUS, createIdentity, type Identity } from '../../src/auth/identity.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ANN, answer, BOB, CREATED, post, refusal, service } from './service.js'

/** A service whose callers have room for two keys each. */
function small(options: Parameters<typeof service>[0] = {}) {
  const clock = new ManualClock()
  const store = memoryIdempotencyStore({ clock, maxEntries: 8, maxBytes: 80_000 })
  return service({ clock, store, ...options }, () => ({ ...CREATED, body: Buffer.alloc(12_000, 'x') }))
}

function keyed(key: string, identity: Identity = ANN) {
  return post({ identity, headers: { 'idempotency-key': key } })
}

describe('a caller that keeps too many keys', () => {
  test('is refused new ones with 429 and the time to come back, and observers are told', async () => {
    const { send, effects } = small()
    await send(keyed('a'))
    await send(keyed('b'))
    const exchange = keyed('c')
    expect(refusal(await send(exchange))).toMatchObject({
      code: 'idempotency-quota-exceeded',
      status: 429,
      headers: { 'retry-after': '60' },
      members: { retryable: true, safe_new_key: false },
    })
    expect(exchange.events).toContainEqual({
      type: 'idempotency.quota-exceeded',
      operationRef: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(effects).toHaveLength(2)
  })

  test('is refused nothing else, and nobody else is', async () => {
    const { send } = small()
    for (const key of ['a', 'b', 'c', 'd']) await send(keyed(key))
    expect(answer(await send(keyed('a'))).headers['idempotent-replayed']).toBe('true')
    expect(answer(await send(keyed('a', BOB))).status).toBe(201)
    expect(answer(await send(post({ headers: { 'idempotency-key': [] } }))).status).toBe(201)
  })

  test('has its first answers kept, and of later ones that they were given: none runs twice', async () => {
    const { send, effects } = small()
    expect(answer(await send(keyed('a'))).body).toHaveLength(12_000)
    expect(answer(await send(keyed('b'))).body).toHaveLength(12_000)
    expect(answer(await send(keyed('a'))).body).toHaveLength(12_000)
    expect(refusal(await send(keyed('b')))).toMatchObject({
      code: 'idempotency-result-not-kept',
      members: { original_status: 201, location: '/items/1' },
    })
    expect(effects).toHaveLength(2)
  })

  test('that failed before its effect keeps no place', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 4 })
    const { send } = service({ clock, store, barrier: () => 'deferred' }, () => ({ ...CREATED, status: 422 }))
    for (const key of ['a', 'b', 'c']) expect(answer(await send(keyed(key))).status).toBe(422)
  })
})

describe('who has a share', () => {
  const cat = createIdentity({ scheme: 'jwt', subject: 'cat', tenant: 'zoo' })
  const dog = createIdentity({ scheme: 'jwt', subject: 'dog', tenant: 'zoo' })
  const other = createIdentity({
    scheme: 'jwt',
    subject: 'cat',
    tenant: 'zoo',
    issuer: 'https://other.example',
  })

  test('a caller with every credential', async () => {
    const { send } = small()
    const narrow = createIdentity({ scheme: 'jwt', subject: 'ann', scopes: ['read'], credentialId: 'second' })
    await send(keyed('a'))
    await send(keyed('b', narrow))
    expect(refusal(await send(keyed('c'))).code).toBe('idempotency-quota-exceeded')
    for (const key of ['a', 'b']) expect(answer(await send(keyed(key, cat))).status).toBe(201)
    for (const key of ['a', 'b']) expect(answer(await send(keyed(key, dog))).status).toBe(201)
  })

  test('with `tenant`, all callers of a tenant of one issuer; others each their own', async () => {
    const { send } = small({ share: 'tenant' })
    await send(keyed('a', cat))
    await send(keyed('a', dog))
    expect(refusal(await send(keyed('b', dog))).code).toBe('idempotency-quota-exceeded')
    expect(answer(await send(keyed('b', other))).status).toBe(201)
    for (const key of ['a', 'b']) expect(answer(await send(keyed(key, ANN))).status).toBe(201)
    expect(answer(await send(keyed('a', BOB))).status).toBe(201)
  })

  test('all anonymous callers together', async () => {
    const { send } = small({ anonymous: true })
    for (const key of ['a', 'b']) expect(answer(await send(keyed(key, ANONYMOUS))).status).toBe(201)
    expect(refusal(await send(keyed('c', ANONYMOUS))).code).toBe('idempotency-quota-exceeded')
    expect(answer(await send(keyed('c', ANN))).status).toBe(201)
  })
})
