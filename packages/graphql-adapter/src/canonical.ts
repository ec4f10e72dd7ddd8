import { keyOf } from '@headgate/core'
import {
  type ConstValueNode,
  GraphQLID,
  type GraphQLInputType,
  type GraphQLScalarType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  print,
  specifiedScalarTypes,
  typeFromAST,
  valueFromASTUntyped,
} from 'graphql'
import type { Fragments } from './fragments.js'

/**
 * A digest of an operation and the fragments it reaches, without comments and layout. The order of fields and aliases
 * stays: it is the order of the answer's bytes.
 */
export function digestOperation(operation: OperationDefinitionNode, fragments: Fragments): string {
  return keyOf('document', ...[operation, ...fragments.values()].map(print))
}

/**
 * The variables an operation declares, as canonical text: defaults filled in, keys sorted at every level, undeclared
 * ones dropped, ID 1 and "1" the same. An omitted variable is not a null one. Values of custom scalars count as the
 * JSON they were sent as, or as the text they have in the document: what they are turned into has no canonical form.
 */
export function canonicalVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  inputs: Readonly<Record<string, unknown>>,
): string {
  const members: string[] = []
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value
    const given = Object.hasOwn(inputs, name)
    if (!given && defaultValue === undefined) continue
    const type = typeFromAST(schema, typeNode) as GraphQLInputType
    const value = given ? canonicalValue(type, inputs[name]) : canonicalLiteral(type, defaultValue!)
    members.push(`${JSON.stringify(name)}:${value}`)
  }
  return `{${members.toSorted().join()}}`
}

/** The value is known to fit the type. */
function canonicalValue(type: GraphQLInputType, value: unknown): string {
  if (isNonNullType(type)) return canonicalValue(type.ofType, value)
  if (value === null || value === undefined) return 'null'
  if (isListType(type)) {
    // A single value stands for a list of one (GraphQL 3.11).
    const items = Array.isArray(value) ? (value as unknown[]) : [value]
    return `[${items.map((item) => canonicalValue(type.ofType, item)).join()}]`
  }
  if (isInputObjectType(type)) {
    const given = value as Readonly<Record<string, unknown>>
    const fields = Object.values(type.getFields()).filter(({ name }) => Object.hasOwn(given, name))
    const members = fields.map((field) => `"${field.name}":${canonicalValue(field.type, given[field.name])}`)
    return `{${members.toSorted().join()}}`
  }
  return type === GraphQLID && typeof value === 'number' ? `"${value}"` : canonicalJson(value)
}

/**
 * A default as the value it stands for. Digit by digit where the type reads it so: as a number of JavaScript a long ID
 * is that of its neighbour.
 */
function canonicalLiteral(type: GraphQLInputType, node: ConstValueNode): string {
  if (isNonNullType(type)) return canonicalLiteral(type.ofType, node)
  if (node.kind === Kind.NULL) return 'null'
  if (isListType(type)) {
    const items = node.kind === Kind.LIST ? node.values : [node]
    return `[${items.map((item) => canonicalLiteral(type.ofType, item)).join()}]`
  }
  if (isInputObjectType(type) && node.kind === Kind.OBJECT) {
    const types = type.getFields()
    const members = node.fields.map(
      ({ name, value }) => `"${name.value}":${canonicalLiteral(types[name.value]!.type, value)}`,
    )
    return `{${members.toSorted().join()}}`
  }
  if (type === GraphQLID && 'value' in node) return JSON.stringify(node.value)
  if (isEnumType(type) || specifiedScalarTypes.includes(type as GraphQLScalarType))
    return canonicalJson(valueFromASTUntyped(node))
  return `literal ${JSON.stringify(print(node))}`
}

function canonicalJson(value: unknown): string {
  // What JSON.stringify has no words for: a number that is too large to be one, as 1e400, and the sign of -0.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`,
  )
  return `{${members.toSorted().join()}}`
}
