import {
  type Access,
  type CacheRule,
  checkChoice,
  checkFunction,
  checkInteger,
  checkKnown,
  checkText,
  milliseconds,
  type Operation,
  type Tag,
} from '@headgate/core'
import type { GraphQLObjectType, GraphQLSchema } from 'graphql'

/** What the gate shall know about a field of `Query` or `Mutation`. */
export interface RootFieldRule {
  /** Scopes the caller must hold: `['a', 'b']` is both; `[['a'], ['b', 'c']]` is `a`, or `b` and `c`. Default: none. */
  readonly scopes?: Access['scopes']
  /** Whether a credential is needed. Default: the mode of `authenticate`. */
  readonly access?: Access['mode']
  /** What the field costs of the caller's budget, per alias. An integer of at least 1. Default 1. */
  readonly cost?: number
  /** How long and for whom the answer may be kept; queries only. Default: it is not stored. */
  readonly cache?: CacheRule | 'off'
  /** Whether `Idempotency-Key` is demanded, honoured or ignored; mutations only. Default `'optional'`. */
  readonly idempotency?: Operation['idempotency']
  /**
   * What the field changed beside the entities in its answer; mutations only. `result` is the field's value as the
   * client selected it, with the entity's key under the key field's own name; null when the answer lost it.
   * Called once per alias, only if the field did not fail. Default: nothing.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- arguments and results have the types of the user's schema
  readonly invalidates?: (args: any, result: any) => readonly Tag[]
}

/** Rules by schema coordinate: `'Query.user'`, `'Mutation.createItem'`. */
export type Rules = Readonly<Record<string, RootFieldRule>>

const ACCESS = ['required', 'optional', 'anonymous'] as const
const KEYS = ['required', 'optional', 'off'] as const
const COMMON = ['access', 'scopes', 'cost'] as const

/**
 * Checks rules against the schema: a typo must not leave a field unprotected.
 *
 * @throws TypeError that names the coordinate.
 */
export function checkRules(schema: GraphQLSchema, rules: Rules = {}): ReadonlyMap<string, RootFieldRule> {
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) {
    throw new TypeError('graphql: rules must be an object')
  }
  const checked = new Map<string, RootFieldRule>()
  for (const [coordinate, rule] of Object.entries(rules)) {
    const option = `graphql: rules['${coordinate}']`
    const kind = kindOf(schema, coordinate, option)
    checkKnown(option, rule, [...COMMON, ...(kind === 'query' ? ['cache'] : ['idempotency', 'invalidates'])])
    checkRule(option, rule)
    checked.set(coordinate, rule)
  }
  return checked
}

function kindOf(schema: GraphQLSchema, coordinate: string, option: string): 'query' | 'mutation' {
  const [typeName = '', fieldName = '', rest] = coordinate.split('.')
  const roots: readonly (readonly ['query' | 'mutation', GraphQLObjectType | null | undefined])[] = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ]
  const [kind, type] = roots.find(([, root]) => root?.name === typeName) ?? []
  if (kind === undefined || type === undefined || type === null || rest !== undefined) {
    const names = roots.flatMap(([, root]) => (root ? [root.name] : []))
    throw new TypeError(`${option} must name a field of ${names.join(' or ')}, like '${names[0]}.field'`)
  }
  if (!Object.hasOwn(type.getFields(), fieldName)) {
    throw new TypeError(`${option}: the schema's type ${typeName} has no field '${fieldName}'`)
  }
  return kind
}

function checkRule(option: string, rule: RootFieldRule): void {
  const { access, scopes, cost, cache, idempotency, invalidates } = rule
  if (access !== undefined) checkChoice(`${option}.access`, access, ACCESS)
  if (scopes !== undefined) {
    checkScopes(`${option}.scopes`, scopes)
    if (access === 'anonymous') throw new TypeError(`${option}: scopes need a caller; access is 'anonymous'`)
  }
  if (cost !== undefined) checkInteger(`${option}.cost`, cost)
  if (idempotency !== undefined) checkChoice(`${option}.idempotency`, idempotency, KEYS)
  if (invalidates !== undefined) checkFunction(`${option}.invalidates`, invalidates)
  if (cache !== undefined && cache !== 'off') checkCache(`${option}.cache`, cache)
}

function checkCache(option: string, cache: CacheRule): void {
  checkKnown(option, cache, ['ttl', 'public', 'vary'])
  if (cache.ttl !== undefined) milliseconds(`${option}.ttl`, cache.ttl)
  if (cache.public !== undefined && typeof cache.public !== 'boolean') {
    throw new TypeError(`${option}.public must be true or false`)
  }
  if (cache.vary === undefined) return
  if (!Array.isArray(cache.vary)) throw new TypeError(`${option}.vary must be an array of field names`)
  cache.vary.forEach((name, index) => checkText(`${option}.vary[${index}]`, name))
}

function checkScopes(option: string, scopes: unknown): void {
  if (!Array.isArray(scopes) || scopes.length === 0) {
    throw new TypeError(`${option} must be an array of at least one scope`)
  }
  const nested = scopes.some(Array.isArray)
  for (const [index, alternative] of scopes.entries()) {
    const names: readonly unknown[] = nested ? (alternative as unknown[]) : [alternative]
    if (!Array.isArray(names) || names.length === 0) {
      throw new TypeError(`${option}[${index}] must be an array of at least one scope, like its neighbours`)
    }
    names.forEach((name) => checkText(`${option}[${index}]`, name))
  }
}
