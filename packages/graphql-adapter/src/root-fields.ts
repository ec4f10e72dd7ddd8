import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import type { Fragments } from './fragments.js'
import type { RootFieldRule } from './rules.js'

/** A field an operation asks for at its root. */
export interface RootField {
  /** Its name in the answer: the alias, or the field's own name. */
  readonly responseKey: string
  readonly node: FieldNode
  /** Undefined for `__schema`, `__type` and `__typename`. */
  readonly field: GraphQLField<unknown, unknown> | undefined
  readonly rule: RootFieldRule | undefined
}

/**
 * The root fields of an operation, one per alias: `a: signIn b: signIn` are two. Fields that `@skip` may leave out
 * count: a rule must hold whatever the variables are.
 */
export function rootFields(
  root: GraphQLObjectType,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  rules: ReadonlyMap<string, RootFieldRule>,
): readonly RootField[] {
  const found = new Map<string, RootField>()
  const visited = new Set<string>()
  const walk = (set: SelectionSetNode): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const responseKey = (selection.alias ?? selection.name).value
        if (found.has(responseKey)) continue
        const name = selection.name.value
        const rule = rules.get(`${root.name}.${name}`)
        found.set(responseKey, { responseKey, node: selection, field: root.getFields()[name], rule })
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        walk(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment !== undefined) walk(fragment.selectionSet)
      }
    }
  }
  walk(operation.selectionSet)
  return [...found.values()]
}
