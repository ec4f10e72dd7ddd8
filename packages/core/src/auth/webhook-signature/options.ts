import { type Clock, systemClock } from '../../clock.js'
import { type Duration, milliseconds } from '../../duration.js'
import type { Incoming } from '../../exchange.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods } from '../../options.js'
import type { ReplayStore } from '../replay-store.js'
import { WEBHOOK_FORMS, type WebhookForm, type WebhookFormName } from './forms.js'

/** Settings of `webhookSignature`. */
export interface WebhookSignatureOptions {
  /** Finds who sends to an address; asked on every delivery. What it throws is answered with 503. Required. */
  readonly lookup: WebhookLookup
  /**
   * Remembers deliveries, so that each is good once. `'allowed'`: each is good while its time lasts; with the form
   * `github` for ever. Required.
   */
  readonly replay: ReplayStore | 'allowed'
  /**
   * How signatures are written. `standard`: Standard Webhooks. `stripe`: `Stripe-Signature`. `github`:
   * `X-Hub-Signature-256`, which has no time. Default `'standard'`.
   */
  readonly form?: WebhookFormName
  /** How far the time of sending may be from now, before and after. Default `'5m'`. */
  readonly tolerance?: Duration
  /** The longest content that is read, in bytes; it is read before anybody is known. Default 262144 (256 KiB). */
  readonly maxContentBytes?: number
  /** How long `lookup` and the replay store may take, each, before the sender gets 503. Default `'250ms'`. */
  readonly deadline?: Duration
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Finds who sends to an address. It decides by what it is given, such as the path: it is asked before any check. */
export type WebhookLookup = (
  incoming: Pick<Incoming, 'path' | 'query' | 'origin'>,
) => WebhookSender | undefined | PromiseLike<WebhookSender | undefined>

/** Who sends webhooks. */
export interface WebhookSender {
  /** One, or two while they are changed; at least 24 bytes each. Those of the form `standard` may begin `whsec_`. */
  readonly secrets: readonly string[]
  readonly subject: string
  readonly tenant?: string
  /** Default: none. */
  readonly scopes?: readonly string[]
  /** Default: none. */
  readonly roles?: readonly string[]
}

/** The defaults of {@link WebhookSignatureOptions}. */
export const WEBHOOK_SIGNATURE_DEFAULTS = {
  form: 'standard',
  tolerance: '5m',
  maxContentBytes: 262_144,
  deadline: '250ms',
} as const

/** Settings that were checked. Times are milliseconds. */
export interface WebhookSignatureSettings {
  readonly lookup: WebhookLookup
  readonly replay: ReplayStore | undefined
  readonly form: WebhookForm
  readonly tolerance: number
  readonly maxContentBytes: number
  readonly deadline: number
  readonly clock: Clock
}

const FORMS = Object.keys(WEBHOOK_FORMS) as WebhookFormName[]

/** @throws TypeError that names the option. */
export function checkWebhookOptions(options: WebhookSignatureOptions): WebhookSignatureSettings {
  const known = ['lookup', 'replay', 'form', 'tolerance', 'maxContentBytes', 'deadline', 'clock']
  checkKnown('webhookSignature', options, known)
  const all = { ...WEBHOOK_SIGNATURE_DEFAULTS, clock: systemClock, ...options }
  const form = WEBHOOK_FORMS[checkChoice('webhookSignature: form', all.form, FORMS)]
  checkFunction('webhookSignature: lookup', all.lookup)
  checkMethods('webhookSignature: clock', all.clock, ['now', 'after'])
  if (all.replay !== 'allowed') {
    checkMethods("webhookSignature: replay (or 'allowed')", all.replay, ['remember'])
    if (!form.isTimed) {
      throw new TypeError(
        `webhookSignature: replay must be 'allowed' with the form '${all.form}': ` +
          'an event that is sent again can not be told from a replay',
      )
    }
  }
  return {
    lookup: all.lookup,
    replay: all.replay === 'allowed' ? undefined : all.replay,
    form,
    tolerance: milliseconds('webhookSignature: tolerance', all.tolerance),
    maxContentBytes: checkInteger('webhookSignature: maxContentBytes', all.maxContentBytes),
    deadline: milliseconds('webhookSignature: deadline', all.deadline),
    clock: all.clock,
  }
}

/** The secrets' bytes. @throws TypeError for a record of the wrong shape, or a secret that can be guessed. */
export function secretsOf(sender: WebhookSender, form: WebhookForm): readonly Buffer[] {
  const { secrets, subject, tenant, scopes = [], roles = [] } = sender as Partial<WebhookSender>
  const isRecord =
    [secrets, scopes, roles].every((texts) => Array.isArray(texts) && texts.every(isText)) &&
    [subject, tenant ?? 'none'].every(isText)
  const bytes = isRecord ? (secrets ?? []).map((secret) => form.secret(secret)) : []
  const good = bytes.filter((secret) => secret !== undefined && secret.byteLength >= 24)
  // Without the secret: it may be a good one elsewhere.
  if (good.length === 0 || good.length !== bytes.length) {
    throw new TypeError('webhookSignature: lookup returned a record of the wrong shape')
  }
  return good as Buffer[]
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
