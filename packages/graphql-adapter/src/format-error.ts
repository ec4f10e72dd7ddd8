import { GraphQLError, type GraphQLFormattedError } from 'graphql'

/** Turns an error of an execution into what the client sees. */
export type FormatError = (error: GraphQLError) => GraphQLFormattedError

/**
 * Whether an error was meant for the client: GraphQL's own, a GraphQLError that a resolver threw, an exposed
 * HttpError. The text of any other may tell a table's name or a host's.
 */
export function isExposed(error: GraphQLError): boolean {
  const { originalError } = error
  if (originalError === undefined || originalError === null) return true
  if (originalError instanceof GraphQLError) return isExposed(originalError)
  return (originalError as { expose?: unknown }).expose === true
}

/** Shows what was meant for the client; hides the text of everything else. */
export const hideUnexpected: FormatError = (error) => {
  const formatted = error.toJSON()
  if (isExposed(error)) return formatted
  return { ...formatted, message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } }
}
