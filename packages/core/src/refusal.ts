import type { Fields } from './fields.js'
import { shown } from './options.js'

/**
 * Every "no" of the gate: its status and title. The codes are stable, clients may match on them, and each has a row
 * in `docs/errors.md`.
 */
export const REFUSALS = {
  // Who: RFC 6750, RFC 9110 11.
  'credentials-missing': { status: 401, title: 'A credential is required' },
  'credentials-invalid': { status: 401, title: 'The credential is not valid' },
  'credentials-ambiguous': { status: 400, title: 'More than one credential was sent' },
  'scope-insufficient': { status: 403, title: 'The credential does not allow this' },
  'auth-unavailable': { status: 503, title: 'The credential can not be checked at the moment' },
  // How much: RFC 6585 4, the RateLimit header fields draft.
  'quota-exceeded': { status: 429, title: 'A quota is exceeded' },
  'cost-exceeds-quota': { status: 400, title: 'The request costs more than the quota can ever give' },
  'concurrency-exceeded': { status: 429, title: 'Too many requests are in flight' },
  'caller-blocked': { status: 429, title: 'This caller is blocked for a while' },
  'caller-denied': { status: 403, title: 'This caller is not served' },
  'rate-limit-unavailable': { status: 503, title: 'The rate limiter is not available' },
  overloaded: { status: 503, title: 'The service has no room for the request at the moment' },
  // Is it well formed.
  'request-malformed': { status: 400, title: 'The request is malformed' },
  'head-too-large': { status: 431, title: 'The header of the request is too large' },
  'route-unknown': { status: 404, title: 'There is nothing at this address' },
  'method-not-allowed': { status: 405, title: 'This address does not offer the method' },
  'not-acceptable': { status: 406, title: 'No offered media type is acceptable' },
  'body-incomplete': { status: 400, title: 'The body ended too early' },
  'body-malformed': { status: 400, title: 'The body can not be parsed' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'media-type-unsupported': { status: 415, title: 'The media type of the body is not supported' },
  'validation-failed': { status: 422, title: 'The body does not meet the contract' },
  // GraphQL requests that can't run.
  'graphql-request-malformed': { status: 400, title: 'The GraphQL request is not well formed' },
  'graphql-parse-failed': { status: 400, title: 'The document does not parse' },
  'graphql-validation-failed': { status: 400, title: 'The document is not valid for the schema' },
  'graphql-document-too-complex': { status: 400, title: 'The document exceeds a limit' },
  'operation-resolution-failure': { status: 400, title: 'The operation can not be determined' },
  'bad-user-input': { status: 400, title: 'The variables do not fit the operation' },
  // Was it done before: the Idempotency-Key draft.
  'idempotency-key-missing': { status: 400, title: 'An Idempotency-Key is required' },
  'idempotency-key-malformed': { status: 400, title: 'The Idempotency-Key is malformed' },
  'idempotency-caller-unknown': { status: 400, title: 'An Idempotency-Key needs a caller that is known' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used with another request' },
  'idempotency-in-flight': { status: 409, title: 'A request with this Idempotency-Key is in progress' },
  'idempotency-claim-lost': { status: 409, title: 'The request lost its claim before it ran' },
  'idempotency-outcome-unknown': { status: 409, title: 'Whether the request took effect is not known' },
  'idempotency-result-not-kept': { status: 409, title: 'The request was done; its answer is not kept' },
  'idempotency-failed': { status: 500, title: 'The request failed after it may have taken effect' },
  'idempotency-quota-exceeded': { status: 429, title: 'The caller has no room for another Idempotency-Key' },
  'idempotency-store-full': { status: 503, title: 'No further Idempotency-Key can be taken at the moment' },
  'idempotency-store-unavailable': {
    status: 503,
    title: 'The Idempotency-Key can not be checked at the moment',
  },
  // Is it known: RFC 9111 5.2.1.7.
  'not-cached': { status: 504, title: 'No stored answer, and only a stored one was asked for' },
} as const satisfies Record<string, { status: number; title: string }>

/** The stable code of a refusal. */
export type RefusalCode = keyof typeof REFUSALS

/** A policy's (or validation's) "no". A channel renders it in its protocol's shape. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly code: RefusalCode
  readonly status: number
  readonly headers: Fields
  /** One sentence for the caller. Never holds a credential, a key or a part of a body. */
  readonly detail: string
  /** Further members for the rendered document, such as `errors` or `violated-policies`. */
  readonly members: Readonly<Record<string, unknown>>
}

/** What a refusal may add to its code. */
export interface RefusalInit {
  /** Default: the title of the code. */
  readonly detail?: string
  /** Lower-cased names. Default: none. */
  readonly headers?: Fields
  /** Default: none. */
  readonly members?: Readonly<Record<string, unknown>>
  /** Default: the status of the code. GraphQL over HTTP gives some codes another status by media type. */
  readonly status?: number
}

/**
 * Makes a refusal.
 *
 * @throws TypeError when there is no such code.
 */
export function refuse(code: RefusalCode, init: RefusalInit = {}): Refusal {
  if (!Object.hasOwn(REFUSALS, code)) {
    throw new TypeError(`refuse: code must be one of REFUSALS; got ${shown(code)}`)
  }
  const { status, title } = REFUSALS[code]
  return {
    kind: 'refusal',
    code,
    status: init.status ?? status,
    headers: init.headers ?? {},
    detail: init.detail ?? `${title}.`,
    members: init.members ?? {},
  }
}

/** Whether a value is a refusal: tells it from answers, bytes, digests. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as Partial<Refusal>).kind === 'refusal'
}
