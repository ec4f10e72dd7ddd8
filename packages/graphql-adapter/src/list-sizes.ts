import { checkInteger, checkKnown } from '@headgate/core'
import {
  getNamedType,
  getNullableType,
  type GraphQLCompositeType,
  type GraphQLField,
  GraphQLInt,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql'
import { defaultOf } from './slice.js'

/** How many elements a list field has at most. The members are those of `@listSize` (IBM's cost directives). */
export interface ListSize {
  /** Elements where no slicing argument says how many. An integer of at least 0. Default: that of all lists. */
  readonly assumedSize?: number
  /** Arguments, of type Int, that bound the list; the largest that is given counts. Default: none. */
  readonly slicingArguments?: readonly string[]
  /**
   * Fields of the field's type that are the list, as `edges` of a connection; others have their own size. Default: the
   * field is the list itself.
   */
  readonly sizedFields?: readonly string[]
}

/** What the objects of an answer cost. */
export interface ObjectCosts {
  /** How many elements a list has that nothing is said of: an integer of at least 1. Required. */
  readonly assumedSize: number
  /** What is said of lists, by schema coordinate: `'Query.items'`, `'User.orders'`. Default: nothing. */
  readonly lists?: Readonly<Record<string, ListSize>>
}

/** Sizes that were checked. */
export interface ListSizes {
  readonly assumedSize: number
  /** What is said of a field, once for all types it may be that differ; nothing where nothing is said. */
  saidOf(type: GraphQLCompositeType, field: Field): readonly Said[]
}

/** What is said of a list, and the field of a type that it is said of. */
export interface Said {
  readonly size: ListSize
  readonly field: Field
}

/**
 * Checks sizes against the schema: a typo must not make a list cheap.
 *
 * @throws TypeError that names the coordinate.
 */
export function checkObjectCosts(schema: GraphQLSchema, costs: ObjectCosts): ListSizes {
  checkKnown('graphql: objectCosts', costs, ['assumedSize', 'lists'])
  const { assumedSize, lists = {} } = costs
  checkInteger('graphql: objectCosts.assumedSize', assumedSize)
  if (typeof lists !== 'object' || lists === null || Array.isArray(lists)) {
    throw new TypeError('graphql: objectCosts.lists must be an object')
  }
  const byCoordinate = new Map<string, ListSize>()
  for (const [coordinate, size] of Object.entries(lists)) {
    const option = `graphql: objectCosts.lists['${coordinate}']`
    checkKnown(option, size, ['assumedSize', 'slicingArguments', 'sizedFields'])
    if (size.assumedSize !== undefined) checkInteger(`${option}.assumedSize`, size.assumedSize, 0)
    checkSize(option, fieldAt(schema, coordinate, option), size)
    byCoordinate.set(coordinate, size)
  }
  return { assumedSize, saidOf: remembered((type, field) => findSaid(schema, byCoordinate, type, field)) }
}

type Field = GraphQLField<unknown, unknown>

/** An interface may have hundreds of types, and strangers ask about its fields thousands of times in one request. */
function remembered(find: ListSizes['saidOf']): ListSizes['saidOf'] {
  const known = new Map<string, readonly Said[]>()
  return (type, field) => {
    const coordinate = `${type.name}.${field.name}`
    let said = known.get(coordinate)
    if (said === undefined) known.set(coordinate, (said = find(type, field)))
    return said
  }
}

/**
 * Of a field of an interface: what is said there, else what is said of the types it may be. Of each type, since each
 * may have a default of its own for an argument.
 */
function findSaid(
  schema: GraphQLSchema,
  byCoordinate: ReadonlyMap<string, ListSize>,
  type: GraphQLCompositeType,
  field: Field,
): readonly Said[] {
  const own = byCoordinate.get(`${type.name}.${field.name}`)
  if (!isAbstractType(type)) return own === undefined ? [] : [{ size: own, field }]
  const possible = schema.getPossibleTypes(type).map((each) => ({
    size: own ?? byCoordinate.get(`${each.name}.${field.name}`),
    field: each.getFields()[field.name] ?? field,
  }))
  if (possible.every(({ size }) => size === undefined)) return []
  const said: Said[] = []
  for (const { size = NOTHING_SAID, field: each } of possible) {
    if (!said.some((other) => isSame(other, { size, field: each }))) said.push({ size, field: each })
  }
  return said
}

const NOTHING_SAID: ListSize = {}

function isSame(one: Said, other: Said): boolean {
  if (one.size !== other.size) return false
  const { slicingArguments = [] } = one.size
  return slicingArguments.every((name) => defaultOf(one.field, name) === defaultOf(other.field, name))
}

function fieldAt(schema: GraphQLSchema, coordinate: string, option: string): Field {
  const [typeName = '', fieldName = '', rest] = coordinate.split('.')
  const type = schema.getType(typeName)
  const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {}
  const field = Object.hasOwn(fields, fieldName) ? fields[fieldName] : undefined
  if (field === undefined || rest !== undefined) {
    throw new TypeError(`${option}: the schema has no such field of an object type or an interface`)
  }
  return field
}

function checkSize(option: string, field: Field, { slicingArguments = [], sizedFields }: ListSize): void {
  for (const name of names(`${option}.slicingArguments`, slicingArguments)) {
    const argument = field.args.find((candidate) => candidate.name === name)
    if (argument === undefined || getNullableType(argument.type) !== GraphQLInt) {
      throw new TypeError(`${option}.slicingArguments: the field has no argument '${name}' of type Int`)
    }
  }
  if (sizedFields === undefined) {
    if (isListOfObjects(field)) return
    throw new TypeError(`${option}: the field is no list of objects; name the ones it holds in sizedFields`)
  }
  const inner = getNamedType(field.type)
  const fields = isObjectType(inner) || isInterfaceType(inner) ? inner.getFields() : {}
  for (const name of names(`${option}.sizedFields`, sizedFields)) {
    const sized = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (sized === undefined || !isListOfObjects(sized)) {
      throw new TypeError(`${option}.sizedFields: the field's type has no list of objects '${name}'`)
    }
  }
}

function names(option: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
  throw new TypeError(`${option} must be an array of names`)
}

function isListOfObjects({ type }: Field): boolean {
  return isListType(getNullableType(type)) && isCompositeType(getNamedType(type))
}
