import {
  type DocumentNode,
  getOperationAST,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
} from 'graphql'
import { declarationOf, MAX_ALTERNATIVES, type OperationDeclaration } from './declaration.js'
import { type Fragments, reachedFragments } from './fragments.js'
import { type DocumentLimits, exceedsExtent, exceedsTokens } from './limits.js'
import { type RejectedDocument, rejected } from './rejected.js'
import { type RootField, rootFields } from './root-fields.js'
import type { RootFieldRule } from './rules.js'

/** What a text asks for, as far as it shows without validation. */
export interface Draft {
  readonly type: 'query' | 'mutation'
  /** Of low cardinality: `query GetUser`, `query (items, user)`. */
  readonly name: string
  readonly declaration: OperationDeclaration
  readonly root: readonly RootField[]
  /** Every root field is one of the schema's. Otherwise the document is not valid, and its names mean nothing. */
  readonly sound: boolean
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
  readonly fragments: Fragments
}

/** A text that parses and does not say which operation to run; a fault in it is told rather than that. */
export interface Undrafted {
  readonly document: DocumentNode
  readonly rejection: RejectedDocument
}

/** What drafts are made with. */
export interface Drafting {
  readonly schema: GraphQLSchema
  readonly rules: ReadonlyMap<string, RootFieldRule>
  readonly limits: DocumentLimits
}

/**
 * Parses and bounds a text and reads what it asks for. All that is done for a caller whom nobody knows yet: validation
 * takes up to ten times as long.
 *
 * @throws GraphQLError when the text does not parse.
 */
export function draftDocument(
  { schema, rules, limits }: Drafting,
  text: string,
  operationName: string | undefined,
): Draft | Undrafted | RejectedDocument {
  const tooLong = exceedsTokens(text, limits)
  if (tooLong !== undefined) return rejected('graphql-document-too-complex', tooLong)
  const document = parse(text)
  const tooMuch = exceedsExtent(document, limits)
  if (tooMuch !== undefined) return rejected('graphql-document-too-complex', tooMuch)

  const operation = getOperationAST(document, operationName)
  if (!operation) {
    const rejection = rejected('operation-resolution-failure', undetermined(document, operationName))
    return { document, rejection }
  }
  const type = TYPES[operation.operation]
  const rootType = schema.getRootType(operation.operation)
  if (type === undefined || !rootType) {
    const reason = `A ${operation.operation} can not run here.`
    return { document, rejection: rejected('operation-resolution-failure', reason) }
  }
  const fragments = reachedFragments(document, operation)
  const root = rootFields(rootType, operation, fragments, rules)
  const declaration = declarationOf(type, root)
  if (declaration === undefined) {
    const reason = `The operation's scopes or roles have more than ${MAX_ALTERNATIVES} alternatives.`
    return { document, rejection: rejected('graphql-document-too-complex', reason) }
  }
  const name = `${type} ${operation.name?.value.slice(0, LONGEST_NAME) ?? fieldNames(root)}`
  return { type, name, declaration, root, sound: root.every(isKnown), document, operation, fragments }
}

/** What one request with one answer can do. */
const TYPES = {
  [OperationTypeNode.QUERY]: 'query',
  [OperationTypeNode.MUTATION]: 'mutation',
  [OperationTypeNode.SUBSCRIPTION]: undefined,
} as const

/** The fields that every schema has at its root. */
const META: ReadonlySet<string> = new Set(['__schema', '__type', '__typename'])

function isKnown({ field, node }: RootField): boolean {
  return field !== undefined || META.has(node.name.value)
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
