import {
  checkChoice,
  checkFunction,
  checkInteger,
  checkKnown,
  checkText,
  type Exchange,
} from '@headgate/core'
import { GraphQLSchema, validateSchema, type ValidationRule } from 'graphql'
import type { Context } from 'koa'
import type { DocumentCacheBounds } from './document-cache.js'
import type { KeyFields } from './entities.js'
import type { FormatError } from './format-error.js'
import type { ObjectCosts } from './list-sizes.js'
import type { Rules } from './rules.js'
import { type Profile, PROFILE_NAMES } from './statuses.js'

/** Settings of a GraphQL endpoint. */
export interface GraphqlOptions<Loaders = unknown> {
  /** The schema that documents are validated and executed against. */
  readonly schema: GraphQLSchema
  /** Where the endpoint is. Under koa-mount: the whole path, or the one below the mount. Default `'/graphql'`. */
  readonly path?: string
  /** The value that root fields without a resolver are read from. Default: none. */
  readonly rootValue?: unknown
  /** Adds members to what resolvers get as context. Default: none. */
  readonly context?: (exchange: Exchange, ctx: Context) => object | Promise<object>
  /** Makes the loaders of one request, at their first use; they are never shared. Default: none. */
  readonly loaders?: (exchange: Exchange) => Loaders
  /** What the gate shall know about root fields, by schema coordinate. Default: none. */
  readonly rules?: Rules
  /**
   * Charges for every object of an answer beside its root fields: before it runs as many as it may have, in the end as
   * many as it had. Default: objects cost nothing.
   */
  readonly objectCosts?: ObjectCosts
  /**
   * Says what a request cost and how its budget stands, in `extensions.cost`, to clients that ask with
   * `"extensions": { "cost": true }`. Default `false`.
   */
  readonly reportCost?: boolean
  /**
   * The status of an answer to a client over its limit. `200` is for clients that read GraphQL's errors and no statuses:
   * the code is then `THROTTLED`, and the answer a 200 in `application/json`. Clients that take only
   * `application/graphql-response+json` get 429 still. Default `429`, with the refusal's own code.
   */
  readonly throttledStatus?: 200 | 429
  /** The field that holds an entity's key, by type name, where it is not `id`. Default: `id` everywhere. */
  readonly keyFields?: KeyFields
  /** Bytes of a body that are read, before the caller is known. An integer of at least 1. Default 256 KiB. */
  readonly bodyLimit?: number
  /** Tokens of a document. An integer of at least 1. Default 15,000. */
  readonly maxTokens?: number
  /** Levels of nesting of a document and of variables. An integer of at least 1. Default 64. */
  readonly maxDepth?: number
  /** Fields an operation asks for, fragments counted at each spread. An integer of at least 1. Default 5,000. */
  readonly maxFields?: number
  /**
   * What documents must obey beside GraphQL's own rules, such as its `NoSchemaIntrospectionCustomRule`. A document is
   * validated once for all who send it: a rule must not depend on the request. Default: none.
   */
  readonly validationRules?: readonly ValidationRule[]
  /** How many compiled documents are kept. Default: 1,000 documents, 32 MiB. */
  readonly documents?: DocumentCacheBounds
  /** What the client sees of an error in an execution. Default: errors not meant for it lose their text. */
  readonly formatError?: FormatError
  /** Which edition of GraphQL over HTTP decides about statuses. Default `'audit-2025'`. */
  readonly profile?: Profile
}

/** What an option is when nobody says otherwise. */
export const GRAPHQL_DEFAULTS = {
  path: '/graphql',
  bodyLimit: 262_144,
  maxTokens: 15_000,
  maxDepth: 64,
  maxFields: 5_000,
  reportCost: false,
  throttledStatus: 429,
  documents: { maxEntries: 1_000, maxBytes: 33_554_432 },
  profile: 'audit-2025',
} as const satisfies Partial<GraphqlOptions>

/** The names of all options. */
export const OPTION_NAMES = [
  'schema',
  'path',
  'rootValue',
  'context',
  'loaders',
  'rules',
  'objectCosts',
  'reportCost',
  'throttledStatus',
  'keyFields',
  'bodyLimit',
  'maxTokens',
  'maxDepth',
  'maxFields',
  'validationRules',
  'documents',
  'formatError',
  'profile',
] as const satisfies readonly (keyof GraphqlOptions)[]

const THROTTLED_STATUSES: ReadonlySet<unknown> = new Set([200, 429])

/** Options with their defaults. */
export type Settings = ReturnType<typeof readOptions>

/**
 * Checks the options and fills in what is not set. Rules and key fields are checked against the schema elsewhere.
 *
 * @throws TypeError that names the option.
 */
export function readOptions(options: GraphqlOptions) {
  checkKnown('graphql', options, OPTION_NAMES)
  checkSchema(options.schema)
  const settings = {
    ...GRAPHQL_DEFAULTS,
    validationRules: [],
    ...options,
    documents: { ...GRAPHQL_DEFAULTS.documents, ...options.documents },
  }
  if (!checkText('graphql: path', settings.path).startsWith('/')) {
    throw new TypeError(`graphql: path must start with '/'; got '${settings.path}'`)
  }
  for (const name of ['bodyLimit', 'maxTokens', 'maxDepth', 'maxFields'] as const) {
    checkInteger(`graphql: ${name}`, settings[name])
  }
  checkKnown('graphql: documents', settings.documents, ['maxEntries', 'maxBytes'])
  checkInteger('graphql: documents.maxEntries', settings.documents.maxEntries)
  checkInteger('graphql: documents.maxBytes', settings.documents.maxBytes)
  checkChoice('graphql: profile', settings.profile, PROFILE_NAMES)
  if (typeof settings.reportCost !== 'boolean') {
    throw new TypeError('graphql: reportCost must be true or false')
  }
  if (!THROTTLED_STATUSES.has(settings.throttledStatus)) {
    throw new TypeError('graphql: throttledStatus must be 200 or 429')
  }
  checkValidationRules(settings.validationRules)
  for (const name of ['context', 'loaders', 'formatError'] as const) {
    if (options[name] !== undefined) checkFunction(`graphql: ${name}`, options[name])
  }
  return settings
}

function checkValidationRules(rules: unknown): void {
  if (Array.isArray(rules) && rules.every((rule) => typeof rule === 'function')) return
  throw new TypeError('graphql: validationRules must be an array of functions')
}

function checkSchema(schema: unknown): void {
  if (!(schema instanceof GraphQLSchema)) {
    throw new TypeError('graphql: schema must be a GraphQLSchema of the graphql package this one resolves to')
  }
  const [error] = validateSchema(schema)
  if (error !== undefined) throw new TypeError(`graphql: schema is not valid: ${error.message}`)
}
