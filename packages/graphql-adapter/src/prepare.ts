import { type Incoming, isRefusal, type Refusal, refuse } from '@headgate/core'
import { type FragmentDefinitionNode, type GraphQLSchema, Kind } from 'graphql'
import { type MediaType, negotiate } from './accept.js'
import type { Draft } from './draft.js'
import type { Document, DraftedDocument, RunnableDocument } from './document.js'
import type { Documents } from './document-cache.js'
import { coerceVariables, type CoercedVariables } from './engine.js'
import type { Asked, ObjectField } from './object-plan.js'
import { exceedsNesting, type Parameters, readParameters } from './parameters.js'
import { requestError } from './render.js'
import type { Profile } from './statuses.js'

/** A request that is ready to run. */
export interface Runnable {
  readonly media: MediaType
  readonly document: RunnableDocument
  /** As sent. */
  readonly variables: Parameters['variables']
  readonly coerced: CoercedVariables
  /** What its answer may hold, where objects cost something. */
  readonly objects: Objects
}

type Objects = readonly ObjectField[] | undefined

/** A request that was read. */
export interface Prepared {
  /** What the gate is told of it; undefined where it can't run. */
  readonly draft: Pick<Draft, 'type' | 'name' | 'declaration'> | undefined
  readonly objects: Objects
  /** Its HTTP part is in order: whatever becomes of it is GraphQL's to say. */
  readonly wellFormed: boolean
  /** The client wants to know what it cost. */
  readonly costAsked: boolean
  /**
   * Validates it and coerces its variables, once: why it can't run, or what runs. Not before somebody may know: it
   * takes up to ten times as long as all that was done before.
   */
  readonly settle: () => Runnable | Refusal
}

/** What requests are prepared with. */
export interface Preparation {
  readonly schema: GraphQLSchema
  readonly documents: Documents
  /** Plans what an answer may hold; undefined where objects cost nothing. */
  readonly planObjects: ((asked: Asked) => readonly ObjectField[]) | undefined
  readonly bodyLimit: number
  readonly maxDepth: number
  readonly profile: Profile
}

/** Reads and parses a request, once for all that follows. Never throws and runs nothing. */
export async function prepare(setting: Preparation, incoming: Incoming, decoded: boolean): Promise<Prepared> {
  const media = negotiate(incoming.header('accept'))
  if (media === undefined) return rejected(refuse('not-acceptable'))
  const parameters = await readParameters(incoming, { ...setting, decoded })
  if (isRefusal(parameters)) return rejected(parameters)

  const { extensions } = parameters
  const asked = {
    wellFormed: true,
    costAsked: Object.hasOwn(extensions, 'cost') && extensions['cost'] === true,
  }
  const document = setting.documents.read(parameters.query, parameters.operationName)
  if (document.kind === 'rejected') {
    return { ...rejected(requestError(setting.profile, media, document.code, document.errors)), ...asked }
  }
  const selected = setting.planObjects && selectedBy(document, parameters.variables)
  const objects = selected && setting.planObjects?.(selected)
  let settled: Runnable | Refusal | undefined
  return {
    draft: document.kind === 'runnable' ? document : document.draft,
    objects,
    ...asked,
    settle: () => (settled ??= settle(setting, incoming.method, media, { ...parameters, objects })),
  }
}

function rejected(refusal: Refusal): Prepared {
  return {
    draft: undefined,
    objects: undefined,
    wellFormed: false,
    costAsked: false,
    settle: () => refusal,
  }
}

function selectedBy(
  document: Exclude<Document, { kind: 'rejected' }> | DraftedDocument,
  variables: Parameters['variables'],
): Asked | undefined {
  if (document.kind === 'drafted') return document.draft && { ...document.draft, variables }
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const node of document.document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node)
  }
  return { operation: document.operation, fragments, variables }
}

function settle(
  { schema, documents, maxDepth, profile }: Preparation,
  method: string,
  media: MediaType,
  parameters: Parameters & { readonly objects: Objects },
): Runnable | Refusal {
  const tooDeep = exceedsNesting(parameters, maxDepth)
  if (tooDeep !== undefined) return tooDeep
  const { query, operationName, variables, objects } = parameters
  const document = documents.compile(query, operationName)
  if (document.kind === 'rejected') return requestError(profile, media, document.code, document.errors)
  if (document.type === 'mutation' && method !== 'POST') {
    const detail = 'A mutation must be sent with POST.'
    return refuse('method-not-allowed', { detail, headers: { allow: 'POST' } })
  }
  const coerced = coerce(schema, document, variables)
  if ('errors' in coerced) return requestError(profile, media, 'bad-user-input', coerced.errors)
  return { media, document, variables, coerced: coerced.values, objects }
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
