import {
  type DocumentNode,
  getOperationAST,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  validate,
} from 'graphql'
import { digestOperation } from './canonical.js'
import { type OperationDeclaration, declarationOf, MAX_ALTERNATIVES } from './declaration.js'
import type { Entities } from './entities.js'
import { reachedFragments } from './fragments.js'
import { type DocumentLimits, exceedsExtent, exceedsTokens } from './limits.js'
import { type RootField, rootFields } from './root-fields.js'
import type { RootFieldRule } from './rules.js'
import type { RequestError } from './statuses.js'
import { planTags, type TagPlan } from './tag-plan.js'

/** All that is known of a text and an operation name without its variables. */
export type Document = RunnableDocument | RejectedDocument

/** A valid operation. Only these are executed. */
export interface RunnableDocument {
  readonly kind: 'runnable'
  readonly type: 'query' | 'mutation'
  /** Of low cardinality: `query GetUser`, `query (items, user)`. */
  readonly name: string
  /** Equal for texts that mean the same. */
  readonly digest: string
  readonly operation: OperationDefinitionNode
  readonly root: readonly RootField[]
  readonly declaration: OperationDeclaration
  /** What is executed: the operation and its fragments. */
  readonly document: DocumentNode
  /** Where answers are kept or purged by tags; undefined where nobody asks for tags. */
  readonly plan: TagPlan | undefined
}

/** A text that can't run. */
export interface RejectedDocument {
  readonly kind: 'rejected'
  readonly code: RequestError
  readonly errors: readonly GraphQLFormattedError[]
}

/** What documents are compiled against. */
export interface Compiler {
  readonly schema: GraphQLSchema
  readonly entities: Entities
  readonly rules: ReadonlyMap<string, RootFieldRule>
  readonly limits: DocumentLimits
}

/** More errors than these help nobody, and each one costs the search for suggestions. */
const MAX_ERRORS = 20

/** Parses, bounds, validates and plans a document. Never throws: whatever a text does to the parser is its fault. */
export function compileDocument(
  compiler: Compiler,
  text: string,
  operationName: string | undefined,
): Document {
  try {
    return compile(compiler, text, operationName)
  } catch (error) {
    if (error instanceof GraphQLError) return rejected('graphql-parse-failed', error)
    return rejected('graphql-document-too-complex', 'The document can not be processed.')
  }
}

function compile(compiler: Compiler, text: string, operationName: string | undefined): Document {
  const { schema, limits } = compiler
  const tooLong = exceedsTokens(text, limits)
  if (tooLong !== undefined) return rejected('graphql-document-too-complex', tooLong)
  const document = parse(text)
  const tooMuch = exceedsExtent(document, limits)
  if (tooMuch !== undefined) return rejected('graphql-document-too-complex', tooMuch)
  const errors = validate(schema, document, undefined, { maxErrors: MAX_ERRORS })
  if (errors.length > 0) return rejected('graphql-validation-failed', ...errors)

  const operation = getOperationAST(document, operationName)
  if (!operation) return rejected('operation-resolution-failure', undetermined(document, operationName))
  const type = TYPES[operation.operation]
  const root = schema.getRootType(operation.operation)
  if (type === undefined || !root) {
    return rejected('operation-resolution-failure', `A ${operation.operation} can not run here.`)
  }
  return plan(compiler, type, root, operation, document)
}

/** What one request with one answer can do. */
const TYPES = {
  [OperationTypeNode.QUERY]: 'query',
  [OperationTypeNode.MUTATION]: 'mutation',
  [OperationTypeNode.SUBSCRIPTION]: undefined,
} as const

function plan(
  { schema, entities, rules }: Compiler,
  type: 'query' | 'mutation',
  rootType: GraphQLObjectType,
  operation: OperationDefinitionNode,
  document: DocumentNode,
): Document {
  const fragments = reachedFragments(document, operation)
  const root = rootFields(rootType, operation, fragments, rules)
  const declaration = declarationOf(type, root)
  if (declaration === undefined) {
    return rejected(
      'graphql-document-too-complex',
      `The operation's scopes or roles have more than ${MAX_ALTERNATIVES} alternatives.`,
    )
  }
  const digest = digestOperation(operation, fragments)
  const tagged = type === 'mutation' || (declaration.cache !== 'off' && declaration.cache.ttl !== undefined)
  const tagPlan = tagged ? planTags(schema, entities, rootType, operation, fragments, digest) : undefined
  const selected: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments.values()] }
  return {
    kind: 'runnable',
    type,
    name: `${type} ${operation.name?.value.slice(0, LONGEST_NAME) ?? fieldNames(root)}`,
    digest,
    operation,
    root,
    declaration,
    document: tagPlan?.document ?? selected,
    plan: tagPlan,
  }
}

/** Names are the clients' own; they go into events and logs. */
const LONGEST_NAME = 64

/** How many root fields name an anonymous operation. */
const NAMING = 3

/**
 * Names an anonymous operation by its root fields, not by its content: names go into events, and there must be few.
 */
function fieldNames(root: readonly RootField[]): string {
  const names = [...new Set(root.map(({ node }) => node.name.value))].toSorted()
  const more = names.length > NAMING ? [`+${names.length - NAMING}`] : []
  return `(${[...names.slice(0, NAMING), ...more].join(', ')})`
}

function undetermined(document: DocumentNode, operationName: string | undefined): string {
  const hasOperations = document.definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  if (!hasOperations) return 'The document has no operation.'
  return operationName === undefined
    ? "The document has several operations; 'operationName' must name one."
    : "The document has no operation of the name in 'operationName'."
}

function rejected(code: RequestError, ...errors: readonly (GraphQLError | string)[]): RejectedDocument {
  const formatted = errors.map((error) => (typeof error === 'string' ? { message: error } : error.toJSON()))
  return { kind: 'rejected', code, errors: formatted }
}
