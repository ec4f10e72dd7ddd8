import { describe, expect, test } from '@jest/globals'
import type { WebhookSender } from '../../../src/auth/webhook-signature/options.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { BILLING, chain, github, SENT_AT, stripe, TEXT_SECRET } from './deliveries.js'

const lookup = (): WebhookSender => ({ ...BILLING, secrets: [TEXT_SECRET] })

describe('Stripe-Signature', () => {
  const options = { form: 'stripe', lookup } as const

  test('signs the time and the content', async () => {
    const gate = chain(options)
    const { identity } = await gate.send(stripe())
    expect(identity).toMatchObject({ subject: 'billing', credentialId: undefined, issuedAt: SENT_AT * 1_000 })
    expect(await gate.verdict(stripe())).toBe('replayed')
    expect(await gate.verdict(stripe({ sentAt: SENT_AT + 1 }))).toBe('accepted')
    expect(await gate.verdict({ ...stripe({ sentAt: SENT_AT + 2 }), body: '{}' })).toBe('bad-signature')
    expect(await gate.verdict(stripe({ sentAt: SENT_AT - 301 }))).toBe('expired timestamp')
  })

  test('may be made with two secrets', async () => {
    const secrets = ['another secret of some letters', TEXT_SECRET]
    expect(await chain(options).verdict(stripe({ secrets }))).toBe('accepted')
  })

  const mac = /v1=(\w+)/.exec(stripe().headers['stripe-signature'] ?? '')?.[1] ?? ''
  test.each([
    ['no time', `v1=${mac}`, 'malformed'],
    ['two times', `t=${SENT_AT},t=${SENT_AT},v1=${mac}`, 'malformed'],
    ['another time', `t=${SENT_AT + 1},v1=${mac}`, 'bad-signature'],
    ['another version only', `t=${SENT_AT},v0=${mac}`, 'malformed'],
    ['half a signature', `t=${SENT_AT},v1=${mac.slice(1)}`, 'malformed'],
    ['nothing', '', 'malformed'],
  ])('with %s is refused', async (_title, signature, expected) => {
    const headers = { 'stripe-signature': signature }
    expect(await chain(options).verdict({ ...stripe(), headers })).toBe(expected)
  })
})

describe('X-Hub-Signature-256', () => {
  const options = { form: 'github', lookup, replay: 'allowed' } as const

  test('signs the content, and nothing else', async () => {
    const gate = chain(options)
    const { identity } = await gate.send(github())
    expect(identity).toMatchObject({ subject: 'billing', credentialId: undefined, issuedAt: undefined })
    expect(await gate.verdict(github())).toBe('accepted')
    expect(await gate.verdict({ ...github(), body: '{}' })).toBe('bad-signature')
    await gate.clock.advance(86_400_000)
    expect(await gate.verdict(github())).toBe('accepted')
  })

  test('of its documentation is accepted', async () => {
    const secrets = ["It's a Secret to Everybody"]
    const gate = chain({ ...options, clock: new ManualClock(), lookup: () => ({ ...BILLING, secrets }) })
    const headers = {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    }
    expect(await gate.verdict({ method: 'POST', body: 'Hello, World!', headers })).toBe('accepted')
  })

  test.each(['', 'sha256=', 'sha1=757107ea', 'sha256=zz', `sha256=${'0'.repeat(63)}`])(
    'that is %j is malformed',
    async (signature) => {
      expect(
        await chain(options).verdict({ ...github(), headers: { 'x-hub-signature-256': signature } }),
      ).toBe('malformed')
    },
  )
})
