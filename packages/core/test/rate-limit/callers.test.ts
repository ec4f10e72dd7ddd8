import { describe, expect, test } from '@jest/globals'
import { createIdentity } from '../../src/auth/identity.js'
import type { Quota } from '../../src/rate-limit/quota.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import type { Answer } from '../../src/reply.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { type ExchangeInit, literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const ONE: Quota = { name: 'one', limit: 1, window: '1m', key: 'ip' }
const ann = createIdentity({ scheme: 'jwt', issuer: 'https://id.example', tenant: 'acme', subject: 'ann' })
const bob = createIdentity({ scheme: 'jwt', issuer: 'https://other.example', subject: 'ann' })

function setUp(options: Partial<RateLimitOptions>) {
  const clock = new ManualClock()
  const policy = rateLimit({ store: memoryRateLimitStore({ clock }), clock, quotas: [ONE], ...options })
  const send = async (init: ExchangeInit = {}) => {
    const exchange = literalExchange(init)
    const reply = await policy.handle(exchange, () => Promise.resolve(OK))
    await new Promise((resolve) => setImmediate(resolve))
    return { reply, events: exchange.events }
  }
  return { clock, policy, send }
}

describe('the allow list', () => {
  test('lets an address, a network and a caller pass without a budget, and tells observers', async () => {
    const { send } = setUp({
      allow: {
        addresses: ['192.0.2.1', '2001:db8::/32'],
        identities: [{ issuer: 'https://id.example', subject: 'ann' }],
      },
    })
    for (const init of [{ address: '192.0.2.1' }, { address: '2001:db8:1::9' }, { identity: ann }]) {
      for (let times = 0; times < 3; times += 1) {
        const { reply, events } = await send(init)
        expect(reply).toEqual(OK)
        expect(events).toEqual([{ type: 'rate-limit.skipped', reason: 'allowed' }])
      }
    }
  })

  test('means nobody else: not a subject of that name from another issuer, not a neighbour, not the nameless', async () => {
    const { send } = setUp({
      allow: { addresses: ['192.0.2.1'], identities: [{ issuer: 'https://id.example', subject: 'ann' }] },
    })
    for (const init of [{ identity: bob }, { address: '192.0.2.2' }, { address: 'unknown' }]) {
      expect((await send(init)).reply.kind).toBe('answer')
      expect((await send(init)).reply).toMatchObject({ code: 'quota-exceeded' })
    }
  })
})

describe('the deny list', () => {
  test('refuses before anything is charged, and comes before the allow list', async () => {
    const { send } = setUp({ deny: { addresses: ['192.0.2.0/24'] }, allow: { addresses: ['192.0.2.1'] } })
    const { reply, events } = await send({ address: '192.0.2.1' })
    expect(reply).toMatchObject({ kind: 'refusal', code: 'caller-denied', status: 403, headers: {} })
    expect(events).toEqual([{ type: 'rate-limit.caller-denied' }])
    expect((await send({ address: '192.0.3.1' })).reply.kind).toBe('answer')
  })

  test('by identity needs to know who asks', () => {
    expect(setUp({ deny: { identities: [{ tenant: 'acme' }] } }).policy.needsIdentity).toBe(true)
    expect(setUp({ deny: { addresses: ['192.0.2.1'] } }).policy.needsIdentity).toBe(false)
  })
})

test('skip that answers later skips nothing: a promise is true to JavaScript', async () => {
  const { send } = setUp({ skip: (() => Promise.resolve(false)) as never })
  await expect(send({})).rejects.toThrow('rateLimit: skip must answer true or false, at once')
})

test('skip that fails later ends no process', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  const { send } = setUp({ skip: (() => Promise.reject(new Error('later'))) as never })
  await expect(send({})).rejects.toThrow('rateLimit: skip must answer true or false, at once')
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

test('skip passes requests by, without a charge and without fields', async () => {
  const { send } = setUp({ skip: ({ path }) => path === '/health' })
  for (let times = 0; times < 3; times += 1) {
    const { reply, events } = await send({ path: '/health' })
    expect(reply).toEqual(OK)
    expect(events).toEqual([{ type: 'rate-limit.skipped', reason: 'skip' }])
  }
  expect((await send({ path: '/items' })).reply.headers['ratelimit']).toBe('"one";r=0;t=60')
})

describe('a quota in shadow mode', () => {
  const shadow: Quota = { name: 'stricter', limit: 1, window: '1m', key: 'ip', shadow: true }
  const wide: Quota = { name: 'wide', limit: 30, window: '1m', key: 'ip', burst: 3 }

  test('reports what it would refuse, refuses nothing, and clients do not see it', async () => {
    const { send } = setUp({ quotas: [shadow, wide] })
    expect((await send()).events.map(({ type }) => type)).toEqual(['rate-limit.admitted'])
    const { reply, events } = await send()
    expect(reply.headers).toEqual({ 'ratelimit-policy': '"wide";q=30;w=60', ratelimit: '"wide";r=1;t=2' })
    expect(events).toContainEqual({
      type: 'rate-limit.shadow-denied',
      cost: 1,
      quota: 'stricter',
      wait: 60_000,
    })
  })

  test('alone it leaves requests as they are', async () => {
    const { send } = setUp({ quotas: [shadow] })
    await send()
    const { reply, events } = await send()
    expect(reply).toEqual(OK)
    expect(events.map(({ type }) => type)).toEqual(['rate-limit.shadow-denied'])
  })

  test('that fails leaves requests as they are too', async () => {
    const broken: Quota = { ...shadow, limit: () => Number.NaN }
    const { reply, events } = await setUp({ quotas: [broken, wide] }).send({ identity: ann })
    expect(reply.kind).toBe('answer')
    expect(events).toContainEqual({ type: 'rate-limit.store-failed', call: 'shadow', reason: 'TypeError' })
  })

  test('does not count what another quota refused', async () => {
    const two: Quota = { ...shadow, limit: 60, burst: 2 }
    const { send, clock } = setUp({ quotas: [{ ...wide, burst: 1 }, two] })
    for (let times = 0; times < 5; times += 1) await send()
    await clock.advance(2_000)
    expect((await send()).events.map(({ type }) => type)).toEqual(['rate-limit.admitted'])
  })
})

describe('a declared quota', () => {
  const login: Quota = { name: 'login', limit: 1, window: '1m', key: 'ip', declared: true }
  const wide: Quota = { name: 'wide', limit: 30, window: '1m', key: 'ip', burst: 3 }
  const signIn = { operation: { name: 'POST /sessions', quotas: ['login'] } }

  test('holds for the operations that name it, whatever their protocol, and for no other', async () => {
    const { send } = setUp({ quotas: [login, wide] })
    expect((await send()).reply.headers['ratelimit']).toBe('"wide";r=2;t=2')
    expect((await send(signIn)).reply.headers['ratelimit']).toBe('"login";r=0;t=60, "wide";r=1;t=2')
    const mutation = { operation: { name: 'mutation signIn', protocol: 'graphql', quotas: ['login'] } }
    expect((await send(mutation)).reply).toMatchObject({ members: { 'violated-policies': ['login'] } })
    expect((await send()).reply.kind).toBe('answer')
  })

  test('alone it leaves other operations without fields', async () => {
    const { send } = setUp({ quotas: [login] })
    expect((await send()).reply).toEqual(OK)
    expect((await send(signIn)).reply.headers['ratelimit']).toBe('"login";r=0;t=60')
  })
})

describe('at start-up', () => {
  test.each<[string, object, RegExp]>([
    ['an empty list', { allow: {} }, /rateLimit: allow needs addresses or identities/],
    ['no address', { deny: { addresses: [] } }, /rateLimit: deny.addresses must be a non-empty array/],
    ['a bad address', { deny: { addresses: ['10.0.0.0/33'] } }, /rateLimit: deny.addresses\[0\]/],
    ['everybody', { allow: { addresses: ['0.0.0.0/0'] } }, /holds every address/],
    ['a pattern of nothing', { allow: { identities: [{}] } }, /allow.identities\[0\] needs at least one/],
    ['an unset member', { allow: { identities: [{ subject: undefined }] } }, /identities\[0\].subject/],
    ['a typo', { allow: { adresses: ['192.0.2.1'] } }, /rateLimit: allow: unknown option 'adresses'/],
    ['skip without a function', { skip: true }, /rateLimit: skip must be a function/],
    ['no process', { expectedProcesses: 0 }, /rateLimit: expectedProcesses/],
    ['shadow as text', { quotas: [{ ...ONE, shadow: 'yes' }] }, /quotas\[0\].shadow must be true or false/],
    [
      'a burst in a window',
      { quotas: [{ ...ONE, algorithm: 'fixed-window', burst: 1 }] },
      /algorithm 'gcra'/,
    ],
    ['an unknown algorithm', { quotas: [{ ...ONE, algorithm: 'leaky' }] }, /quotas\[0\].algorithm/],
  ])('%s is a TypeError', (_name, options, message) => {
    expect(() => setUp(options as Partial<RateLimitOptions>)).toThrow(TypeError)
    expect(() => setUp(options as Partial<RateLimitOptions>)).toThrow(message)
  })
})
