import { type Answer, type Fields, type HandlerError, type Refusal, refuse } from '@headgate/core'
import { STATUS_CODES } from 'node:http'
import type { GraphQLFormattedError } from 'graphql'
import type { MediaType } from './accept.js'
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

/** Any refusal in GraphQL's shape: `{ errors: [{ message, extensions: { code, ... } }] }`. */
export function renderRefusal(refusal: Refusal, media: MediaType): Answer {
  const { code, detail, members, status, headers } = refusal
  const errors = listed(refusal) ?? [{ message: detail, extensions: members }]
  const named = errors.map((error) => ({
    ...error,
    extensions: { ...error.extensions, code: errorCode(code) },
  }))
  return errorAnswer(status, named, media, headers)
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
): Answer {
  return {
    kind: 'answer',
    status,
    headers: { 'cache-control': 'no-store', ...headers, 'content-type': contentType(media) },
    body: Buffer.from(JSON.stringify({ errors })),
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
