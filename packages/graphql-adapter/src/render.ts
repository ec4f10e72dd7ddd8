import { type Answer, type Fields, type HandlerError, type Refusal, refuse } from '@headgate/core'
import { STATUS_CODES } from 'node:http'
import type { GraphQLFormattedError } from 'graphql'
import type { MediaType } from './accept.js'
import type { CostReport } from './cost-report.js'
import type { Throttled } from './throttled.js'
import { type Profile, type RequestError, statusOf } from './statuses.js'

const ERRORS = 'errors'

/** A request that can't run, as a refusal with the status its client expects. */
export function requestError(
  profile: Profile,
  media: MediaType,
  code: RequestError,
  errors: readonly GraphQLFormattedError[],
): Refusal {
  return refuse(code, { status: statusOf(profile, code, media), members: { [ERRORS]: errors } })
}

/** What a refusal is told with beside itself. */
export interface RefusalSetting {
  readonly media: MediaType
  /** What it has in place of a code, a status and a type of its own. */
  readonly throttled?: Throttled | undefined
  readonly cost?: CostReport | undefined
}

/** Any refusal in GraphQL's shape: `{ errors: [{ message, extensions: { code, ... } }] }`. */
export function renderRefusal(refusal: Refusal, setting: RefusalSetting): Answer {
  const { detail, members, headers } = refusal
  const own = { code: errorCode(refusal.code), status: refusal.status, media: setting.media }
  const { code, status, media } = setting.throttled ?? own
  const errors = listed(refusal) ?? [{ message: detail, extensions: members }]
  const named = errors.map((error) => ({ ...error, extensions: { ...error.extensions, code } }))
  return errorAnswer(status, named, media, headers, setting.cost && { cost: setting.cost })
}

/** What resolvers' surroundings say with `ctx.throw(404)`, in GraphQL's shape. */
export function renderHandlerError({ status, message, headers }: HandlerError, media: MediaType): Answer {
  const code = errorCode(STATUS_CODES[status] ?? 'error')
  return errorAnswer(status, [{ message, extensions: { code } }], media, headers)
}

function errorAnswer(
  status: number,
  errors: readonly GraphQLFormattedError[],
  media: MediaType,
  headers: Fields,
  extensions?: object,
): Answer {
  return {
    kind: 'answer',
    status,
    headers: { 'cache-control': 'no-store', ...headers, 'content-type': contentType(media) },
    body: Buffer.from(JSON.stringify({ errors, extensions })),
  }
}

/** The media type as it is sent. */
export function contentType(media: MediaType): string {
  return `${media}; charset=utf-8`
}

/** GraphQL's own errors have a place in the document each; they are not one error with members. */
function listed({ code, members }: Refusal): readonly GraphQLFormattedError[] | undefined {
  const errors = members[ERRORS]
  return OWN.has(code) && Array.isArray(errors) ? (errors as GraphQLFormattedError[]) : undefined
}

const OWN: ReadonlySet<string> = new Set<RequestError>([
  'graphql-parse-failed',
  'graphql-validation-failed',
  'graphql-document-too-complex',
  'operation-resolution-failure',
  'bad-user-input',
])

/** `quota-exceeded` and `Not Found` as clients of GraphQL know codes: `QUOTA_EXCEEDED`, `NOT_FOUND`. */
function errorCode(text: string): string {
  return text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')
}
