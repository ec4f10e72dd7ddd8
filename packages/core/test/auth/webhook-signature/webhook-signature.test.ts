import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { WebhookSignatureOptions } from '../../../src/auth/webhook-signature/options.js'
import { webhookSignature } from '../../../src/auth/webhook-signature/webhook-signature.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { BILLING, chain, SECRET, SENT_AT, standard } from './deliveries.js'

const OTHER = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const MINUTE = 60_000

describe('a delivery of Standard Webhooks', () => {
  test('is known by its sender’s secret', async () => {
    const { identity, exchange } = await chain().send(standard())
    expect(identity).toMatchObject({
      scheme: 'webhook',
      subject: 'billing',
      scopes: ['hooks'],
      credentialId: 'msg_1',
      issuedAt: SENT_AT * 1_000,
    })
    expect(identity?.claims).toMatchObject({ id: 'msg_1', sentAt: SENT_AT })
    expect(await exchange.body(100)).toEqual(Buffer.from('{"type":"paid"}'))
  })

  test('of the specification’s libraries is accepted', async () => {
    const clock = new ManualClock(1_614_265_330_000)
    const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
    const gate = chain({ clock, lookup: () => ({ ...BILLING, secrets }) })
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    expect(await gate.verdict({ method: 'POST', body: '{"test": 2432232314}', headers })).toBe('accepted')
  })

  test('may be signed with two secrets, of which one is known', async () => {
    expect(await chain().verdict(standard({ secrets: [OTHER, SECRET] }))).toBe('accepted')
    const both = chain({ lookup: () => ({ ...BILLING, secrets: [OTHER, SECRET] }) })
    expect(await both.verdict(standard())).toBe('accepted')
    expect(await both.verdict(standard({ id: 'msg_2', secrets: [OTHER] }))).toBe('accepted')
  })

  test('may have signatures of other kinds beside', async () => {
    const delivery = standard()
    const signature = `v1a,AAAA ${delivery.headers['webhook-signature']} v2,AAAA`
    expect(
      await chain().verdict({
        ...delivery,
        headers: { ...delivery.headers, 'webhook-signature': signature },
      }),
    ).toBe('accepted')
  })

  test('of an unknown sender gets the very answer of a wrong signature', async () => {
    const unknown = await chain({ lookup: () => undefined }).send(standard())
    const wrong = await chain().send(standard({ secrets: [OTHER] }))
    expect(unknown.reply).toEqual(wrong.reply)
    expect(unknown.reply.headers['www-authenticate']).toBe('Webhook realm="api", error="invalid_signature"')
    expect(unknown.exchange.events).toMatchObject([{ reason: 'unknown-key' }])
    expect(wrong.exchange.events).toMatchObject([{ reason: 'bad-signature' }])
  })

  test('of nobody is not known by the secret that stands in for theirs', async () => {
    const zeros = `whsec_${Buffer.alloc(32).toString('base64')}`
    expect(await chain({ lookup: () => undefined }).verdict(standard({ secrets: [zeros] }))).toBe(
      'unknown-key',
    )
  })

  test('has its sender by its address', async () => {
    const paths: string[] = []
    const lookup = ({ path }: { path: string }): typeof BILLING => (paths.push(path), BILLING)
    await chain({ lookup }).verdict(standard())
    expect(paths).toEqual(['/hooks/billing'])
  })

  test.each([
    ['no id', { 'webhook-id': [] }],
    ['two ids', { 'webhook-id': ['msg_1', 'msg_1'] }],
    ['an empty id', { 'webhook-id': '' }],
    ['an id with a full stop', { 'webhook-id': 'msg.1' }],
    ['an id that is too long', { 'webhook-id': 'm'.repeat(257) }],
    ['no time', { 'webhook-timestamp': [] }],
    ['a time that is none', { 'webhook-timestamp': 'now' }],
    ['a time with a fraction', { 'webhook-timestamp': '1700000000.5' }],
    ['a time written otherwise', { 'webhook-timestamp': '01700000000' }],
    ['no signature', { 'webhook-signature': [] }],
    ['two lines of signatures', { 'webhook-signature': ['v1,AAAA', 'v1,AAAA'] }],
    ['a signature of another kind', { 'webhook-signature': 'v1a,AAAA' }],
    ['a part of a signature', { 'webhook-signature': 'v1,K5oZfzN9' }],
    ['a signature without its kind', { 'webhook-signature': 'K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=' }],
    ['too many signatures', { 'webhook-signature': 'v1,AAAA '.repeat(300) }],
  ])('with %s is malformed', async (_title, change) => {
    const delivery = standard()
    expect(await chain().verdict({ ...delivery, headers: { ...delivery.headers, ...change } })).toBe(
      'malformed',
    )
  })

  test('changed in any part is refused, and nothing of it is told', async () => {
    const delivery = standard()
    const names = Object.keys(delivery.headers)
    const change = fc.oneof(
      fc.tuple(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 40 })),
      fc.tuple(fc.constant('content'), fc.string({ maxLength: 20 })),
    )
    await fc.assert(
      fc.asyncProperty(change, async ([name, value]) => {
        fc.pre(delivery.headers[name] !== value && value !== delivery.body)
        const gate = chain()
        const changed =
          name === 'content'
            ? { ...delivery, body: value }
            : { ...delivery, headers: { ...delivery.headers, [name]: value } }
        const { reply, exchange } = await gate.send(changed)
        expect(reply.status).toBe(401)
        expect(gate.errors).toEqual([])
        const told = JSON.stringify([exchange.events, reply, gate.store.told])
        expect(told).not.toContain(delivery.headers['webhook-signature']?.slice(3) ?? '')
        expect(told).not.toContain('msg_1')
      }),
      { numRuns: 300 },
    )
  })
})

describe('the time of sending', () => {
  test.each([
    ['the tolerance ago', -300, 'accepted'],
    ['longer ago', -301, 'expired timestamp'],
    ['the tolerance ahead', 300, 'accepted'],
    ['further ahead', 301, 'issued-in-future timestamp'],
  ])('%s', async (_title, seconds, expected) => {
    expect(await chain().verdict(standard({ sentAt: SENT_AT + seconds }))).toBe(expected)
  })
})

describe('a delivery', () => {
  test('is good once, also under another of its signatures', async () => {
    const gate = chain({ lookup: () => ({ ...BILLING, secrets: [OTHER, SECRET] }) })
    const [one, two] = standard({ secrets: [OTHER, SECRET] }).headers['webhook-signature']?.split(' ') ?? []
    const delivery = standard()
    const under = (signature = ''): typeof delivery => ({
      ...delivery,
      headers: { ...delivery.headers, 'webhook-signature': signature },
    })
    expect(await gate.verdict(under(one))).toBe('accepted')
    expect(await gate.verdict(under(two))).toBe('replayed')
    expect(await gate.verdict(under(`${two} ${one}`))).toBe('replayed')
  })

  test('of the same event at another time is another one, with the same id', async () => {
    const gate = chain()
    await gate.verdict(standard())
    const { identity } = await gate.send(standard({ sentAt: SENT_AT + 5 }))
    expect(identity?.credentialId).toBe('msg_1')
  })

  test('is remembered until no clock within the tolerance would take it', async () => {
    const gate = chain()
    await gate.verdict(standard())
    await gate.verdict(standard({ sentAt: SENT_AT + 300 }))
    expect(gate.store.told.map(([, , duration]) => duration)).toEqual([10 * MINUTE, 15 * MINUTE])
    await gate.clock.advance(5 * MINUTE)
    expect(await gate.verdict(standard())).toBe('replayed')
    await gate.clock.advance(1)
    expect(await gate.verdict(standard())).toBe('expired timestamp')
  })

  test('is remembered only when all else is right', async () => {
    const gate = chain()
    await gate.verdict({ ...standard(), body: 'other' })
    await gate.verdict(standard({ secrets: [OTHER] }))
    await gate.verdict(standard({ sentAt: SENT_AT - 999 }))
    expect(gate.store.told).toEqual([])
  })

  test('may be used again where that is allowed', async () => {
    const gate = chain({ replay: 'allowed' })
    expect(await gate.verdict(standard())).toBe('accepted')
    expect(await gate.verdict(standard())).toBe('accepted')
  })

  test('that is too long is that fault', async () => {
    const { reply } = await chain({ maxContentBytes: 5 }).send(standard())
    expect(reply).toMatchObject({ status: 413, code: 'body-too-large' })
  })
})

describe('a lookup', () => {
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('away')
      },
    ],
    ['gives no record', () => ({})],
    ['gives no secret', () => ({ ...BILLING, secrets: [] })],
    [
      'gives a short secret',
      () => ({ ...BILLING, secrets: [SECRET, `whsec_${Buffer.alloc(23, 1).toString('base64')}`] }),
    ],
    [
      'gives a secret that is no base64',
      () => ({ ...BILLING, secrets: ['whsec_%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%'] }),
    ],
    ['gives a secret that is no text', () => ({ ...BILLING, secrets: [Buffer.alloc(32)] })],
    ['names nobody', () => ({ ...BILLING, subject: '' })],
    ['gives scopes that are none', () => ({ ...BILLING, scopes: 'hooks' })],
  ])('that %s lets nobody in, calls no signature bad, and tells no secret', async (_title, find) => {
    const gate = chain({ lookup: find as never })
    expect(await gate.verdict(standard())).toBe('auth-unavailable')
    expect(gate.errors).toHaveLength(1)
    expect(String(gate.errors[0])).not.toContain('whsec_')
  })

  test('that hangs is given up', async () => {
    const gate = chain({ lookup: () => new Promise<never>(() => {}) })
    const verdict = gate.verdict(standard())
    await gate.clock.advance(250)
    expect(await verdict).toBe('auth-unavailable')
  })
})

describe('options', () => {
  const good = { lookup: () => BILLING, replay: 'allowed' } as const
  test.each<[string, object, RegExp]>([
    ['none', {}, /lookup must be a function/],
    ['no word on replays', { lookup: good.lookup }, /replay \(or 'allowed'\) is required/],
    ['a typo', { ...good, tolerence: '1m' }, /unknown option 'tolerence'/],
    ['a form that is none', { ...good, form: 'svix' }, /form must be one of/],
    ['a form that is a prototype’s member', { ...good, form: 'constructor' }, /form must be one of/],
    ['no tolerance', { ...good, tolerance: 0 }, /tolerance/],
    ['no limit', { ...good, maxContentBytes: 0 }, /maxContentBytes/],
    ['no clock', { ...good, clock: {} }, /clock/],
    ['no deadline', { ...good, deadline: '-1s' }, /deadline/],
    [
      'a replay store where nothing has a time',
      { ...good, form: 'github', replay: { remember: () => 'fresh' } },
      /replay must be 'allowed' with the form 'github'/,
    ],
  ])('%s is a TypeError that says so', (_title, options, message) => {
    expect(() => webhookSignature(options as WebhookSignatureOptions)).toThrow(TypeError)
    expect(() => webhookSignature(options as WebhookSignatureOptions)).toThrow(message)
  })
})
