import { createHmac } from 'node:crypto'
import { authenticate } from '../../../src/auth/authenticate.js'
import type { WebhookSender, WebhookSignatureOptions } from '../../../src/auth/webhook-signature/options.js'
import { webhookSignature } from '../../../src/auth/webhook-signature/webhook-signature.js'
import type { ExchangeInit } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { replays } from '../http-signature/signing.js'
import { asking } from '../chain.js'

/** When everything was sent: seconds since the Unix epoch. */
export const SENT_AT = 1_700_000_000

/** Of the form `standard`. */
export const SECRET = `whsec_${Buffer.alloc(24, 5).toString('base64')}`
/** Of the other forms. */
export const TEXT_SECRET = 'a secret of some twenty letters'
/** The one sender. */
export const BILLING: WebhookSender = { secrets: [SECRET], subject: 'billing', scopes: ['hooks'] }

const CONTENT = '{"type":"paid"}'

/** What a delivery is made of. */
export interface DeliveryInit {
  readonly id?: string
  readonly sentAt?: number
  readonly content?: string
  readonly secrets?: readonly string[]
}

/** A delivery in the form of Standard Webhooks. */
export function standard(init: DeliveryInit = {}): ExchangeInit & { headers: Record<string, string> } {
  const { id = 'msg_1', sentAt = SENT_AT, content = CONTENT, secrets = [SECRET] } = init
  const macs = secrets.map((secret) =>
    createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
      .update(`${id}.${sentAt}.${content}`)
      .digest('base64'),
  )
  return post(content, {
    'webhook-id': id,
    'webhook-timestamp': String(sentAt),
    'webhook-signature': macs.map((mac) => `v1,${mac}`).join(' '),
  })
}

/** A delivery with `Stripe-Signature`. */
export function stripe(init: DeliveryInit = {}): ExchangeInit & { headers: Record<string, string> } {
  const { sentAt = SENT_AT, content = CONTENT, secrets = [TEXT_SECRET] } = init
  const macs = secrets.map((secret) =>
    createHmac('sha256', secret).update(`${sentAt}.${content}`).digest('hex'),
  )
  const signature = [`t=${sentAt}`, ...macs.map((mac) => `v1=${mac}`), 'v0=00'].join(',')
  return post(content, { 'stripe-signature': signature })
}

/** A delivery with `X-Hub-Signature-256`. */
export function github({ content = CONTENT, secrets = [TEXT_SECRET] }: DeliveryInit = {}): ExchangeInit {
  const [secret = ''] = secrets
  const mac = createHmac('sha256', secret).update(content).digest('hex')
  return post(content, { 'x-hub-signature-256': `sha256=${mac}` })
}

/** A chain with one scheme, and a clock that stands at the time of sending. */
export function chain(options: Partial<WebhookSignatureOptions> = {}) {
  const clock = new ManualClock(SENT_AT * 1_000)
  const store = replays(clock)
  const errors: unknown[] = []
  const scheme = webhookSignature({ lookup: () => BILLING, replay: store, clock, ...options })
  const policy = authenticate([scheme], { onError: (error) => void errors.push(error) })

  return {
    clock,
    store,
    errors,
    scheme,
    ...asking(policy),
  }
}

function post(
  body: string,
  headers: Record<string, string>,
): ExchangeInit & { headers: Record<string, string> } {
  return { method: 'POST', path: '/hooks/billing', body, headers }
}
