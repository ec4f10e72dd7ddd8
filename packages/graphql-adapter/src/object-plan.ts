import {
  type FieldNode,
  getNamedType,
  getNullableType,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  isCompositeType,
  isListType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { type Fragments, isCircular } from './fragments.js'
import type { ListSizes } from './list-sizes.js'
import { sliceOf, type Variables } from './slice.js'

/** A field of an answer that holds objects. Fields of one name in the answer are one, as the executor merges them. */
export interface ObjectField {
  readonly responseKey: string
  /** How many lists are around an object. */
  readonly levels: number
  /** The most objects that one parent holds here. */
  readonly most: number
  readonly inner: readonly ObjectField[]
}

/** What one request asks for. */
export interface Asked {
  readonly operation: OperationDefinitionNode
  readonly fragments: Fragments
  /** As sent: nobody has checked them yet. */
  readonly variables: Variables
}

/**
 * Plans the objects of an answer. The document need not be valid: what the schema does not know is left out, since it
 * never runs. Its fields are bounded already. Made for each request, because sizes depend on variables, and since a
 * document of 1 KB can have 5,000 fields it is not kept.
 */
export function planObjects(
  schema: GraphQLSchema,
  sizes: ListSizes,
  { operation, fragments, variables }: Asked,
): readonly ObjectField[] {
  const rootType = schema.getRootType(operation.operation)
  if (!rootType || isCircular(fragments)) return []
  return plan([{ type: rootType, set: operation.selectionSet }], NOTHING)

  function plan(sources: readonly Source[], handed: Handed): readonly ObjectField[] {
    const groups = new Map<string, Group>()
    const spread = new Set<string>()
    for (const source of sources) visit(source, handed, groups, spread)
    return [...groups].map(([responseKey, { levels, most, sources: inner, handed: given }]) => ({
      responseKey,
      levels,
      most,
      inner: plan(inner, given),
    }))
  }

  function visit(source: Source, handed: Handed, groups: Map<string, Group>, spread: Set<string>): void {
    for (const selection of source.set.selections) {
      if (selection.kind === Kind.FIELD) {
        addField(source, selection, handed, groups)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
        const inner = isCompositeType(condition) ? condition : source.type
        visit({ type: inner, set: selection.selectionSet }, handed, groups, spread)
      } else {
        const name = selection.name.value
        const fragment = fragments.get(name)
        const condition = fragment && schema.getType(fragment.typeCondition.name.value)
        // Once at each place.
        if (!isCompositeType(condition) || fragment === undefined || spread.has(name)) continue
        spread.add(name)
        visit({ type: condition, set: fragment.selectionSet }, handed, groups, spread)
      }
    }
  }

  function addField(source: Source, node: FieldNode, handed: Handed, groups: Map<string, Group>): void {
    if (node.selectionSet === undefined || isUnionType(source.type)) return // no object
    const field = source.type.getFields()[node.name.value]
    const inner = field && getNamedType(field.type)
    if (field === undefined || !isCompositeType(inner)) return
    const levels = levelsOf(field.type)
    const size = sizeOf(source.type, field, node)
    const own = levels === 0 ? 1 : sizeWith(handed.get(field.name), size.own)
    const most = levels === 0 ? 1 : Math.min(own * sizes.assumedSize ** (levels - 1), MOST)
    const responseKey = (node.alias ?? node.name).value
    const group = groups.get(responseKey)
    const next: Source = { type: inner, set: node.selectionSet }
    if (group === undefined) {
      groups.set(responseKey, { levels, most, sources: [next], handed: size.handed })
      return
    }
    // Fields of different types may share a name in the answer: the larger one counts.
    group.most = Math.max(group.most, most)
    group.sources.push(next)
    group.handed = joined(group.handed, size.handed)
  }

  function sizeOf(
    type: GraphQLCompositeType,
    field: Field,
    node: FieldNode,
  ): { readonly own: number; readonly handed: Handed } {
    const said = sizes.saidOf(type, field)
    if (said.length === 0) return { own: sizes.assumedSize, handed: NOTHING }
    let own = 0
    const handed = said.map(({ size, field: each }) => {
      const given = (size.slicingArguments ?? []).map((name) =>
        sliceOf(each, node, name, operation, variables),
      )
      const known = given.filter((slice) => slice !== undefined)
      const most = known.length > 0 ? Math.max(...known) : (size.assumedSize ?? sizes.assumedSize)
      if (size.sizedFields !== undefined) return handedTo(size.sizedFields, most)
      own = Math.max(own, most)
      return NOTHING
    })
    return {
      own: said.some(({ size }) => size.sizedFields === undefined) ? own : sizes.assumedSize,
      handed: handed.reduce(joined),
    }
  }
}

type Field = GraphQLField<unknown, unknown>

/** Selections of one place in the answer. */
interface Source {
  readonly type: GraphQLCompositeType
  readonly set: SelectionSetNode
}

/** Sums of products stay numbers. */
const MOST = Number.MAX_SAFE_INTEGER

/** Sizes that a field hands to the lists in it, by field name. */
type Handed = ReadonlyMap<string, HandedSize>

interface HandedSize {
  readonly most: number
  /** Whether all fields that may stand at the place hand one: else a list there may have its own size as well. */
  readonly always: boolean
}

const NOTHING: Handed = new Map()

interface Group {
  readonly levels: number
  most: number
  readonly sources: Source[]
  handed: Handed
}

function handedTo(fields: readonly string[], most: number): Handed {
  return new Map(fields.map((name) => [name, { most, always: true }]))
}

/** What is handed down where either of two fields may stand. */
function joined(one: Handed, other: Handed): Handed {
  if (one.size === 0 && other.size === 0) return NOTHING
  const all = new Map<string, HandedSize>()
  for (const name of [...one.keys(), ...other.keys()]) {
    const [a, b] = [one.get(name), other.get(name)]
    const most = Math.max(a?.most ?? 0, b?.most ?? 0)
    all.set(name, { most, always: a?.always === true && b?.always === true })
  }
  return all
}

function sizeWith(handed: HandedSize | undefined, own: number): number {
  if (handed === undefined) return own
  return handed.always ? handed.most : Math.max(handed.most, own)
}

function levelsOf(type: GraphQLOutputType): number {
  const nullable = getNullableType(type)
  return isListType(nullable) ? 1 + levelsOf(nullable.ofType) : 0
}
