import type { Tag } from '@headgate/core'
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import type { Entities } from './entities.js'
import type { Fragments } from './fragments.js'
import { aliased, fragmentDefinition, inlineFragment, spreadOf } from './nodes.js'

/** Where entities and lists are below one selection set. */
export interface SelectionPlan {
  readonly fields: readonly FieldPlan[]
  readonly spreads: readonly SpreadPlan[]
}

/** A field that holds objects. */
export interface FieldPlan {
  readonly responseKey: string
  /** The lists it is one of, or stands for. */
  readonly lists: readonly Tag[]
  /** What a null in its place depends on: the entity that is not there has no tag of its own. */
  readonly absent: readonly Tag[]
  readonly target: Target
  readonly inner: SelectionPlan
}

/** How to tell what the objects of a field are. `type` is undefined where only the answer can tell. */
export interface Target {
  readonly type: string | undefined
  /** The response key that holds the entity's key; undefined when it is no entity. */
  readonly key: string | undefined
  /** Whether the objects carry reserved aliases that the client did not ask for. */
  readonly adds: boolean
}

/** A fragment, and the types of object it speaks of. */
export interface SpreadPlan {
  readonly types: ReadonlySet<string>
  readonly inner: SelectionPlan
}

/** A document that says of every entity in its answer what it is, and how to read and remove that again. */
export interface TagPlan {
  readonly document: DocumentNode
  readonly root: SelectionPlan
  readonly rootType: string
  readonly aliases: Aliases
}

/** Names that the document does not use. */
export interface Aliases {
  readonly type: string
  readonly key: string
}

/** Plans an operation's tags once: the walk over its answers then looks at entities only, and at nothing else. */
export function planTags(
  schema: GraphQLSchema,
  entities: Entities,
  root: GraphQLObjectType,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  digest: string,
): TagPlan {
  const aliases = reservedAliases(digest)
  const plans = new Map<string, SelectionPlan>()
  const definitions = new Map<string, FragmentDefinitionNode>()

  const ofSelections = (set: SelectionSetNode, parent: GraphQLCompositeType) => {
    const fields: FieldPlan[] = []
    const spreads: SpreadPlan[] = []
    const selections = set.selections.map((selection): SelectionNode => {
      if (selection.kind === Kind.FIELD) {
        const planned = ofField(selection, parent)
        if (planned === undefined) return selection
        fields.push(planned.plan)
        return planned.node
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value)!
        spreads.push({
          types: entities.possibleNames(fragment.typeCondition.name.value),
          inner: ofFragment(fragment),
        })
        return selection
      }
      const name = selection.typeCondition?.name.value ?? parent.name
      const inner = ofSelections(selection.selectionSet, schema.getType(name) as GraphQLCompositeType)
      spreads.push({ types: entities.possibleNames(name), inner: inner.plan })
      return { ...selection, selectionSet: inner.node }
    })
    return { node: { ...set, selections }, plan: { fields, spreads } }
  }

  const ofFragment = (fragment: FragmentDefinitionNode): SelectionPlan => {
    const name = fragment.name.value
    const known = plans.get(name)
    if (known !== undefined) return known
    const type = schema.getType(fragment.typeCondition.name.value) as GraphQLCompositeType
    const { node, plan } = ofSelections(fragment.selectionSet, type)
    plans.set(name, plan)
    definitions.set(name, { ...fragment, selectionSet: node })
    return plan
  }

  const ofField = (node: FieldNode, parent: GraphQLCompositeType) => {
    if (node.selectionSet === undefined || !('getFields' in parent)) return undefined
    const field = parent.getFields()[node.name.value] // the schema's own fields (`__schema`) hold no entity
    const type = field === undefined ? undefined : getNamedType(field.type)
    if (field === undefined || type === undefined || !isCompositeType(type)) return undefined
    const inner = ofSelections(node.selectionSet, type)
    const { target, added } = identify(inner.node, type)
    const selections = [...inner.node.selections, ...added]
    const lists = isListType(getNullableType(field.type)) ? entities.listTags(type) : []
    const connection = isObjectType(type) ? entities.connectionTags(type) : []
    const plan: FieldPlan = {
      responseKey: (node.alias ?? node.name).value,
      lists: [...lists, ...connection],
      absent: [...entities.listTags(type), ...connection],
      target,
      inner: inner.plan,
    }
    return { node: { ...node, selectionSet: { ...inner.node, selections } }, plan }
  }

  const identify = (
    set: SelectionSetNode,
    type: GraphQLCompositeType,
  ): { target: Target; added: readonly SelectionNode[] } => {
    if (isAbstractType(type)) {
      const target = { type: undefined, key: aliases.key, adds: true }
      return { target, added: [spreadOf(identifying(type.name))] }
    }
    const keyField = entities.keyField(type)
    const selected = keyField === undefined ? undefined : findSelected(set, keyField)
    if (keyField === undefined || selected !== undefined) {
      return { target: { type: type.name, key: selected, adds: false }, added: [] }
    }
    return {
      target: { type: type.name, key: aliases.key, adds: true },
      added: [aliased(aliases.key, keyField)],
    }
  }

  /** One fragment for each abstract type asks every possible entity for its key. */
  const identifying = (typeName: string): string => {
    const name = `${aliases.key}_${typeName}`
    if (definitions.has(name)) return name
    const abstract = schema.getType(typeName)
    const possible = isAbstractType(abstract) ? schema.getPossibleTypes(abstract) : []
    const keys = possible.flatMap((type): readonly SelectionNode[] => {
      const keyField = entities.keyField(type)
      return keyField === undefined ? [] : [inlineFragment(type.name, [aliased(aliases.key, keyField)])]
    })
    definitions.set(name, fragmentDefinition(name, typeName, [aliased(aliases.type, '__typename'), ...keys]))
    return name
  }

  const { node, plan } = ofSelections(operation.selectionSet, root)
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [{ ...operation, selectionSet: node }, ...definitions.values()],
  }
  return { document, root: plan, rootType: root.name, aliases }
}

/** A document can't use these names: they are made from its own digest, which would have to be known to write it. */
function reservedAliases(digest: string): Aliases {
  const prefix = `_headgate_${digest.slice(0, 16).replaceAll('-', '_')}`
  return { type: `${prefix}_type`, key: `${prefix}_key` }
}

/** A key that the client selects itself, whatever it calls it, unless a directive may leave it out. */
function findSelected(set: SelectionSetNode, keyField: string): string | undefined {
  for (const selection of set.selections) {
    if (selection.kind !== Kind.FIELD || selection.name.value !== keyField) continue
    if (selection.directives?.length || selection.arguments?.length) continue
    return (selection.alias ?? selection.name).value
  }
  return undefined
}
