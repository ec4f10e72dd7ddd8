import {
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  getArgumentValues,
  getVariableValues,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
  versionInfo,
} from 'graphql'

/**
 * Where graphql 16 and 17 differ. Coerced variables are opaque: 16 keeps a record of values, 17 one of sources and
 * values, and only its own functions read them.
 */
export type Coerced = { readonly errors: readonly GraphQLError[] } | { readonly values: CoercedVariables }

declare const coerced: unique symbol
/** Variables that fit their declarations, in the form of the installed graphql. */
export interface CoercedVariables {
  readonly [coerced]: true
}

/** More errors than these help nobody, and a list of 100,000 wrong numbers has as many. */
const MAX_VARIABLE_ERRORS = 20

/** Checks the variables of an operation against their declarations. May throw what a custom scalar throws. */
export function coerceVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  inputs: Readonly<Record<string, unknown>>,
): Coerced {
  const result = getVariableValues(schema, operation.variableDefinitions ?? [], inputs, {
    maxErrors: MAX_VARIABLE_ERRORS,
  }) as { errors?: readonly GraphQLError[]; coerced?: unknown; variableValues?: unknown }
  if (result.errors !== undefined) return { errors: result.errors }
  return { values: (result.coerced ?? result.variableValues) as CoercedVariables }
}

/** The arguments of a field, coerced, with their defaults. */
export function argumentsOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: CoercedVariables,
): Readonly<Record<string, unknown>> {
  return getArgumentValues(field, node, variables as unknown as Parameters<typeof getArgumentValues>[2])
}

/** What graphql 17 takes to stop an execution. 16 knows no such option and runs everything to its end. */
type Abortable = ExecutionArgs & { readonly abortSignal?: AbortSignal }

/** The arguments of an execution that ends with its signal, where graphql can do that. */
export function abortable(args: ExecutionArgs, signalled: { readonly signal: AbortSignal }): ExecutionArgs {
  if (versionInfo.major < 17) return args
  const withSignal: Abortable = { ...args, abortSignal: signalled.signal }
  return withSignal
}

/** Executes a validated document. */
export async function executeDocument(args: ExecutionArgs): Promise<ExecutionResult> {
  try {
    return await execute(args)
  } catch (error) {
    // 17 throws when the signal is aborted: nobody is there to be told.
    if ((args as Abortable).abortSignal?.aborted !== true) throw error
    return { errors: [new GraphQLError('The client left before the answer was ready.')] }
  }
}
