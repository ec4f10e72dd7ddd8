import {
  type DocumentNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  specifiedRules,
  validate,
  type ValidationRule,
} from 'graphql'
import { digestOperation } from './canonical.js'
import type { OperationDeclaration } from './declaration.js'
import { type Draft, draftDocument, type Drafting, type Undrafted } from './draft.js'
import type { Entities } from './entities.js'
import { type RejectedDocument, rejected } from './rejected.js'
import type { RootField } from './root-fields.js'
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
  readonly root: readonly RootField[]
  readonly declaration: OperationDeclaration
  /** Equal for texts that mean the same. */
  readonly digest: string
  readonly operation: OperationDefinitionNode
  /** What is executed: the operation and its fragments. */
  readonly document: DocumentNode
  /** Where answers are kept or purged by tags; undefined where nobody asks for tags. */
  readonly plan: TagPlan | undefined
}

/** A text that parses. Whether it is valid is found out when somebody may know. */
export interface DraftedDocument {
  readonly kind: 'drafted'
  /** What the gate is told of it; undefined where it can't be valid. */
  readonly draft: Pick<Draft, 'type' | 'name' | 'declaration' | 'operation' | 'fragments'> | undefined
  /** Validates and plans. Never throws. */
  readonly complete: () => Document
}

/** What documents are compiled against. */
export interface Compiler extends Drafting {
  readonly entities: Entities
  /** The service's own, beside GraphQL's. */
  readonly validationRules: readonly ValidationRule[]
}

/** More errors than these help nobody, and each one costs the search for suggestions. */
const MAX_ERRORS = 20

/** Parses and bounds a text. Never throws: whatever a text does to the parser is its fault. */
export function readDocument(
  compiler: Compiler,
  text: string,
  operationName: string | undefined,
): DraftedDocument | RejectedDocument {
  return guarded('graphql-parse-failed', () => {
    const draft = draftDocument(compiler, text, operationName)
    if ('kind' in draft) return draft
    const complete = (): Document =>
      guarded('graphql-validation-failed', () => completeDocument(compiler, draft))
    return { kind: 'drafted', draft: 'sound' in draft && draft.sound ? draft : undefined, complete }
  })
}

/** Parses, bounds, validates and plans a document in one go. */
export function compileDocument(
  compiler: Compiler,
  text: string,
  operationName: string | undefined,
): Document {
  const document = readDocument(compiler, text, operationName)
  return document.kind === 'rejected' ? document : document.complete()
}

/** @param code what a GraphQLError means: the parser throws them, and rules of others do. */
function guarded<T>(code: RequestError, work: () => T | RejectedDocument): T | RejectedDocument {
  try {
    return work()
  } catch (error) {
    if (error instanceof GraphQLError) return rejected(code, error)
    return rejected('graphql-document-too-complex', 'The document can not be processed.')
  }
}

function completeDocument(compiler: Compiler, draft: Draft | Undrafted): Document {
  const { schema, entities, validationRules } = compiler
  const rules = [...specifiedRules, ...validationRules]
  const errors = validate(schema, draft.document, rules, { maxErrors: MAX_ERRORS })
  if (errors.length > 0) return rejected('graphql-validation-failed', ...errors)
  if ('rejection' in draft) return draft.rejection
  const { type, name, declaration, root, operation, fragments } = draft
  const digest = digestOperation(operation, fragments)
  const rootType = schema.getRootType(operation.operation)
  const tagged = type === 'mutation' || (declaration.cache !== 'off' && declaration.cache.ttl !== undefined)
  const plan =
    tagged && rootType ? planTags(schema, entities, rootType, operation, fragments, digest) : undefined
  const selected: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments.values()] }
  const document = plan?.document ?? selected
  return { kind: 'runnable', type, name, declaration, root, digest, operation, document, plan }
}
