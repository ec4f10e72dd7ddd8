/** How a sender of webhooks writes a signature. */
export type WebhookFormName = 'standard' | 'stripe' | 'github'

/** What the fields of a delivery say. Unchecked. */
export interface Delivery {
  /** What is signed before the content. */
  readonly prefix: string
  /** HMAC-SHA256, one for each secret the sender signs with. */
  readonly macs: readonly Buffer[]
  /** The event's id, the same whenever it is sent again. */
  readonly id?: string
  /** When it was sent, in seconds since the Unix epoch. */
  readonly sentAt?: number
}

/** One way to write a signature. */
export interface WebhookForm {
  /** The fields it stands in; the first has the signature. */
  readonly fields: readonly [string, ...string[]]
  /** Whether the time of sending is signed: without it a replay is the same as a second delivery. */
  readonly isTimed: boolean
  /** The bytes of a secret. Undefined for what is none. */
  readonly secret: (text: string) => Buffer | undefined
  /** Reads the fields. Undefined where they are none of this form. */
  readonly read: (field: (name: string) => string) => Delivery | undefined
}

/** The ways that are known. */
export const WEBHOOK_FORMS: Readonly<Record<WebhookFormName, WebhookForm>> = {
  // https://www.standardwebhooks.com: `webhook-signature: v1,<base64> v1,<base64>` over `id.timestamp.content`.
  standard: {
    fields: ['webhook-signature', 'webhook-id', 'webhook-timestamp'],
    isTimed: true,
    secret: (text) => (BASE64.test(withoutMark(text)) ? Buffer.from(withoutMark(text), 'base64') : undefined),
    read(field) {
      const [id, time] = [field('webhook-id'), field('webhook-timestamp')]
      // A full stop in an id would be one between the parts: other parts could have the same signature.
      if (!/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id) || !SECONDS.test(time)) return undefined
      const macs = values(field('webhook-signature'), ' ', 'v1,').map((value) => decoded(value, 'base64'))
      return { prefix: `${id}.${time}.`, macs: macs.filter(isMac), id, sentAt: Number(time) }
    },
  },
  // `stripe-signature: t=<seconds>,v1=<hex>,v1=<hex>` over `t.content`; other versions are not read.
  stripe: {
    fields: ['stripe-signature'],
    isTimed: true,
    secret: (text) => Buffer.from(text),
    read(field) {
      const text = field('stripe-signature')
      const [time = '', ...more] = values(text, ',', 't=')
      if (more.length > 0 || !SECONDS.test(time)) return undefined
      const macs = values(text, ',', 'v1=').map((value) => decoded(value, 'hex'))
      return { prefix: `${time}.`, macs: macs.filter(isMac), sentAt: Number(time) }
    },
  },
  // `x-hub-signature-256: sha256=<hex>` over the content alone.
  github: {
    fields: ['x-hub-signature-256'],
    isTimed: false,
    secret: (text) => Buffer.from(text),
    read: (field) => {
      const macs = values(field('x-hub-signature-256'), ',', 'sha256=').map((value) => decoded(value, 'hex'))
      return { prefix: '', macs: macs.filter(isMac) }
    },
  },
}

/** A longer list of signatures is none. */
const LONGEST = 2_048

const SECONDS = /^(?:0|[1-9]\d{0,11})$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const SHA256 = { hex: /^[0-9a-f]{64}$/i, base64: /^[A-Za-z0-9+/]{43}=$/ } as const

function withoutMark(text: string): string {
  return text.startsWith('whsec_') ? text.slice('whsec_'.length) : text
}

/** The members of a list that begin with `mark`, without it. */
function values(text: string, separator: string, mark: string): string[] {
  if (text.length > LONGEST) return []
  return text
    .split(separator)
    .map((member) => member.trim())
    .filter((member) => member.startsWith(mark))
    .map((member) => member.slice(mark.length))
}

function decoded(text: string, coding: keyof typeof SHA256): Buffer | undefined {
  return SHA256[coding].test(text) ? Buffer.from(text, coding) : undefined
}

function isMac(mac: Buffer | undefined): mac is Buffer {
  return mac !== undefined
}
