import {
  type FieldNode,
  type GraphQLField,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql'

/** Variables as sent. */
export type Variables = Readonly<Record<string, unknown>>

/** How many elements an argument asks for; undefined where it says nothing. Less than none is none. */
export function sliceOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  name: string,
  operation: OperationDefinitionNode,
  variables: Variables,
): number | undefined {
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value
  const given = value && readValue(value, operation, variables)
  // An argument whose variable nobody sent is not there (GraphQL 6.4.1); one that is null is, and says nothing.
  const slice = given === undefined ? defaultOf(field, name) : given
  return typeof slice === 'number' && Number.isSafeInteger(slice) ? Math.max(0, slice) : undefined
}

function readValue(value: ValueNode, operation: OperationDefinitionNode, variables: Variables): unknown {
  if (value.kind === Kind.INT) return Number(value.value)
  if (value.kind !== Kind.VARIABLE) return null
  const name = value.name.value
  if (Object.hasOwn(variables, name)) return variables[name]
  const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)
  return definition?.defaultValue && readValue(definition.defaultValue, operation, {})
}

/** What an argument is where nobody gives it. graphql 17 keeps it in an object of its own. */
export function defaultOf(field: GraphQLField<unknown, unknown>, name: string): unknown {
  const argument = field.args.find((candidate) => candidate.name === name)
  const { defaultValue, default: other } = (argument ?? {}) as {
    readonly defaultValue?: unknown
    readonly default?: { readonly value?: unknown; readonly literal?: ValueNode }
  }
  if (defaultValue !== undefined || other === undefined) return defaultValue
  return other.literal?.kind === Kind.INT ? Number(other.literal.value) : other.value
}
