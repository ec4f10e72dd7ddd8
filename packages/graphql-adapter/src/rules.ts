import {
  checkDeclaration,
  checkFunction,
  checkKnown,
  type Declaration,
  DECLARATION_MEMBERS,
  type Tag,
} from '@headgate/core'
import type { GraphQLObjectType, GraphQLSchema } from 'graphql'

/**
 * What the gate shall know about a field of `Query` or `Mutation`. `cost` counts per alias. `cache` is for queries;
 * `idempotency`, `optional` by default, and `invalidates` are for mutations.
 */
export interface RootFieldRule extends Declaration {
  /**
   * What the field changed beside the entities in its answer. `result` is the field's value as the client selected it,
   * with the entity's key under the key field's own name; null when the answer lost it. Asked once per alias, if the
   * field did not fail. Default: nothing.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- arguments and results have the types of the user's schema
  readonly invalidates?: (args: any, result: any) => readonly Tag[]
}

/** Rules by schema coordinate: `'Query.user'`, `'Mutation.createItem'`. */
export type Rules = Readonly<Record<string, RootFieldRule>>

/** Members that say nothing on a field of the other kind. */
const OTHERS: Readonly<Record<Kind, readonly string[]>> = {
  query: ['idempotency'],
  mutation: ['cache'],
}

type Kind = 'query' | 'mutation'

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
    const members = DECLARATION_MEMBERS.filter((member) => !OTHERS[kind].includes(member))
    checkKnown(option, rule, kind === 'mutation' ? [...members, 'invalidates'] : members)
    checkDeclaration((member) => `${option}.${member}`, rule)
    if (rule.invalidates !== undefined) checkFunction(`${option}.invalidates`, rule.invalidates)
    checked.set(coordinate, rule)
  }
  return checked
}

function kindOf(schema: GraphQLSchema, coordinate: string, option: string): Kind {
  const [typeName = '', fieldName = '', rest] = coordinate.split('.')
  const roots: readonly (readonly [Kind, GraphQLObjectType | null | undefined])[] = [
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
