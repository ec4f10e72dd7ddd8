import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { inTime, LATE } from '../../deadline.js'
import type { Exchange } from '../../exchange.js'
import { keyOf } from '../../key.js'
import { isRefusal, refuse } from '../../refusal.js'
import { firstUse } from '../first-use.js'
import { createIdentity } from '../identity.js'
import { accepted, type Rejected, type Scheme, undecided, type Verdict } from '../scheme.js'
import { rejectedSignature, unfitSignature, usedSignature } from '../signature-verdict.js'
import type { Delivery } from './forms.js'
import {
  checkWebhookOptions,
  secretsOf,
  type WebhookSender,
  type WebhookSignatureOptions,
} from './options.js'

/**
 * Knows senders of webhooks by an HMAC of the content. Each delivery is good once; an event that is sent again is
 * another delivery, and has the same id.
 */
export function webhookSignature(options: WebhookSignatureOptions): Scheme {
  const { lookup, form, tolerance, clock, deadline, maxContentBytes, replay } = checkWebhookOptions(options)
  const isFirst = firstUse(replay, clock, deadline)
  const [field, ...companions] = form.fields

  return {
    name: 'webhook',
    credential: { field, companions },
    // No registered scheme.
    challenge: { authScheme: 'Webhook', errors: true },
    verify: (_text, exchange) => verify(exchange),
  }

  async function verify(exchange: Exchange): Promise<Verdict> {
    const delivery = read(exchange)
    if (delivery === undefined) return rejectedSignature('malformed')
    const sender = await inTime(clock, deadline, () => lookup(exchange))
    if (sender === LATE) return undecided()
    // Where nobody sends from, the same is done: who asks is not told which addresses there are.
    const secrets = sender === undefined ? [NO_SECRET] : secretsOf(sender, form)
    const taken = await exchange.body(maxContentBytes)
    const content = !isRefusal(taken) && taken.byteLength > maxContentBytes ? refuse('body-too-large') : taken
    if (isRefusal(content)) return rejectedSignature('malformed', { at: 'content', refusal: content })

    if (!isSigned(delivery, content, secrets) || sender === undefined) {
      return rejectedSignature(sender === undefined ? 'unknown-key' : 'bad-signature')
    }
    return checkTime(delivery) ?? use(delivery, content, sender)
  }

  function read(exchange: Exchange): Delivery | undefined {
    const lines = new Map(form.fields.map((name) => [name, exchange.lines(name)]))
    if ([...lines.values()].some(({ length }) => length !== 1)) return undefined
    const delivery = form.read((name) => lines.get(name)?.[0] ?? '')
    return delivery === undefined || delivery.macs.length === 0 ? undefined : delivery
  }

  function checkTime({ sentAt }: Delivery): Rejected | undefined {
    if (sentAt === undefined) return undefined
    const age = clock.now() - sentAt * 1_000
    if (age > tolerance) return unfitSignature('expired', { at: 'timestamp' })
    return age >= -tolerance ? undefined : unfitSignature('issued-in-future', { at: 'timestamp' })
  }

  /** The last check, since it leaves a trace. */
  async function use(delivery: Delivery, content: Uint8Array, sender: WebhookSender): Promise<Verdict> {
    const { prefix, sentAt = 0 } = delivery
    // What is signed, and not the signature: under two secrets one delivery has two.
    const id = keyOf('webhook', prefix, createHash('sha256').update(content).digest())
    // Once more the tolerance: the clock of another process may be behind this one.
    const longest = sentAt * 1_000 + 2 * tolerance - clock.now()
    const found = await isFirst(id, keyOf('webhook', sender.tenant, sender.subject), longest)
    if (found === 'seen') return usedSignature()
    return found === 'fresh' ? accepted(identityOf(delivery, sender)) : found
  }
}

/** Stands in for the secret of nobody. */
const NO_SECRET = Buffer.alloc(32)

function isSigned({ prefix, macs }: Delivery, content: Uint8Array, secrets: readonly Buffer[]): boolean {
  let isRight = false
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(prefix).update(content).digest()
    for (const mac of macs) isRight = timingSafeEqual(mac, expected) || isRight
  }
  return isRight
}

function identityOf({ id, sentAt }: Delivery, sender: WebhookSender): ReturnType<typeof createIdentity> {
  const { subject, tenant, scopes = [], roles = [] } = sender
  const issuedAt = sentAt === undefined ? undefined : sentAt * 1_000
  const claims = { id, sentAt }
  return createIdentity({
    scheme: 'webhook',
    subject,
    tenant,
    scopes,
    roles,
    credentialId: id,
    issuedAt,
    claims,
  })
}
