import type { GraphQLError, GraphQLFormattedError } from 'graphql'
import type { RequestError } from './statuses.js'

/** A text that can't run. */
export interface RejectedDocument {
  readonly kind: 'rejected'
  readonly code: RequestError
  readonly errors: readonly GraphQLFormattedError[]
}

/** Says why a text can't run. */
export function rejected(
  code: RequestError,
  ...errors: readonly (GraphQLError | string)[]
): RejectedDocument {
  const formatted = errors.map((error) => (typeof error === 'string' ? { message: error } : error.toJSON()))
  return { kind: 'rejected', code, errors: formatted }
}
