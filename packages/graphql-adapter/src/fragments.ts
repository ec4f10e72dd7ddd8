import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'

/** The fragments of a document that an operation reaches, by name, in the order of their first spread. */
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

/** Finds the fragments an operation reaches. The document need not be valid: spreads may lead nowhere, or in circles. */
export function reachedFragments(document: DocumentNode, operation: OperationDefinitionNode): Fragments {
  const all = new Map<string, FragmentDefinitionNode>()
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) all.set(node.name.value, node)
  }
  const reached = new Map<string, FragmentDefinitionNode>()
  const walk = (set: SelectionSetNode): void => {
    for (const selection of set.selections) {
      if (selection.kind !== Kind.FRAGMENT_SPREAD) {
        if (selection.selectionSet !== undefined) walk(selection.selectionSet)
        continue
      }
      const fragment = all.get(selection.name.value)
      if (fragment === undefined || reached.has(fragment.name.value)) continue
      reached.set(fragment.name.value, fragment)
      walk(fragment.selectionSet)
    }
  }
  walk(operation.selectionSet)
  return reached
}

/** Whether a fragment leads back to itself. Such a document is not valid, and never ends. */
export function isCircular(fragments: Fragments): boolean {
  const settled = new Map<string, boolean>()
  const leadsBack = (name: string): boolean => {
    const known = settled.get(name)
    if (known !== undefined) return !known
    const fragment = fragments.get(name)
    if (fragment === undefined) return false
    settled.set(name, false) // on the way: who comes here again has gone round
    if (spreadsIn(fragment.selectionSet).some(leadsBack)) return true
    settled.set(name, true)
    return false
  }
  return [...fragments.keys()].some(leadsBack)
}

function spreadsIn(set: SelectionSetNode): readonly string[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection.name.value]
    return selection.selectionSet === undefined ? [] : spreadsIn(selection.selectionSet)
  })
}
