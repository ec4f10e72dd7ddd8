import { type FieldNode, type FragmentDefinitionNode, Kind, type SelectionNode } from 'graphql'

/** `alias: field` */
export function aliased(alias: string, field: string): FieldNode {
  return { kind: Kind.FIELD, alias: nameNode(alias), name: nameNode(field) }
}

/** `...fragment` */
export function spreadOf(fragment: string): SelectionNode {
  return { kind: Kind.FRAGMENT_SPREAD, name: nameNode(fragment) }
}

/** `... on Type { ... }` */
export function inlineFragment(type: string, selections: readonly SelectionNode[]): SelectionNode {
  const typeCondition = { kind: Kind.NAMED_TYPE, name: nameNode(type) } as const
  return { kind: Kind.INLINE_FRAGMENT, typeCondition, selectionSet: { kind: Kind.SELECTION_SET, selections } }
}

/** `fragment name on Type { ... }` */
export function fragmentDefinition(
  name: string,
  type: string,
  selections: readonly SelectionNode[],
): FragmentDefinitionNode {
  return {
    kind: Kind.FRAGMENT_DEFINITION,
    name: nameNode(name),
    typeCondition: { kind: Kind.NAMED_TYPE, name: nameNode(type) },
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  }
}

function nameNode(value: string): { readonly kind: Kind.NAME; readonly value: string } {
  return { kind: Kind.NAME, value }
}
