import { type Incoming, type Refusal, refuse } from '@headgate/core'
import type { GraphQLSchema } from 'graphql'
import { type MediaType, negotiate } from './accept.js'
import type { RunnableDocument } from './document.js'
import type { CompileCached } from './document-cache.js'
import { coerceVariables, type CoercedVariables } from './engine.js'
import { type Parameters, readParameters } from './parameters.js'
import { requestError } from './render.js'
import type { Profile } from './statuses.js'

/** A request that is ready to run. */
export interface Runnable {
  readonly media: MediaType
  readonly document: RunnableDocument
  /** As sent. */
  readonly variables: Parameters['variables']
  readonly coerced: CoercedVariables
}

/** A request and what the gate is told about it. */
export type Prepared =
  | { readonly kind: 'runnable'; readonly runnable: Runnable }
  | { readonly kind: 'rejected'; readonly refusal: Refusal; readonly document?: RunnableDocument }

/** What requests are prepared with. */
export interface Preparation {
  readonly schema: GraphQLSchema
  readonly compile: CompileCached
  readonly bodyLimit: number
  readonly maxDepth: number
  readonly profile: Profile
}

/** Reads, parses, validates and coerces a request, once for all that follows. Never throws and runs nothing. */
export async function prepare(setting: Preparation, incoming: Incoming, decoded: boolean): Promise<Prepared> {
  const media = negotiate(incoming.header('accept'))
  if (media === undefined) return rejected(refuse('not-acceptable'))
  const parameters = await readParameters(incoming, { ...setting, decoded })
  if ('kind' in parameters) return rejected(parameters)

  const document = setting.compile(parameters.query, parameters.operationName)
  if (document.kind === 'rejected') {
    return rejected(requestError(setting.profile, media, document.code, document.errors))
  }
  if (document.type === 'mutation' && incoming.method !== 'POST') {
    const detail = 'A mutation must be sent with POST.'
    return rejected(refuse('method-not-allowed', { detail, headers: { allow: 'POST' } }), document)
  }
  const coerced = coerce(setting.schema, document, parameters.variables)
  if ('errors' in coerced) {
    return rejected(requestError(setting.profile, media, 'bad-user-input', coerced.errors), document)
  }
  const { variables } = parameters
  return { kind: 'runnable', runnable: { media, document, variables, coerced: coerced.values } }
}

function rejected(refusal: Refusal, document?: RunnableDocument): Prepared {
  return { kind: 'rejected', refusal, ...(document === undefined ? {} : { document }) }
}

/** A custom scalar may throw what it likes: it is the variables' fault. */
function coerce(schema: GraphQLSchema, document: RunnableDocument, variables: Parameters['variables']) {
  try {
    const result = coerceVariables(schema, document.operation, variables)
    return 'errors' in result ? { errors: result.errors.map((error) => error.toJSON()) } : result
  } catch {
    return { errors: [{ message: 'The variables can not be read.' }] }
  }
}
