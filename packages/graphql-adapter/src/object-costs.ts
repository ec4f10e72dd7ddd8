import type { ExecutionResult } from 'graphql'
import type { ObjectField } from './object-plan.js'
import type { RootField } from './root-fields.js'

type Data = Readonly<Record<string, unknown>>

/** The most objects that an answer may hold. What a root field answers with is paid with the field, unless in a list. */
export function mostObjects(fields: readonly ObjectField[]): number {
  let sum = 0
  for (const { levels, most, inner } of fields) {
    const below = within(inner)
    sum += levels === 0 ? below : most * (1 + below)
  }
  return Math.min(sum, Number.MAX_SAFE_INTEGER)
}

/** The most objects below one object. */
function within(fields: readonly ObjectField[]): number {
  let sum = 0
  for (const { most, inner } of fields) sum += most * (1 + within(inner))
  return Math.min(sum, Number.MAX_SAFE_INTEGER)
}

/**
 * What an execution really cost: the root fields that ran, and the objects of its answer. Undefined where it can't be
 * told: work whose result an error took from the answer was done all the same.
 *
 * @param stated what root fields say instead of their rules.
 */
export function spentOn(
  root: readonly RootField[],
  objects: readonly ObjectField[] | undefined,
  { data, errors }: ExecutionResult,
  stated: ReadonlyMap<string | number, number>,
): number | undefined {
  if (data === null || data === undefined || (errors !== undefined && errors.length > 0)) return undefined
  let spent = 0
  for (const { responseKey, rule } of root) {
    if (Object.hasOwn(data, responseKey)) spent += stated.get(responseKey) ?? rule?.cost ?? 1
  }
  for (const field of objects ?? []) {
    const value = data[field.responseKey]
    spent += count(value, field) - (field.levels === 0 && (value ?? null) !== null ? 1 : 0)
  }
  return Math.max(1, Math.min(spent, Number.MAX_SAFE_INTEGER))
}

/** The objects that a value is or holds. */
function count(value: unknown, field: ObjectField): number {
  if (value === null || value === undefined) return 0
  let sum = 0
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) sum += count(item, field)
    return sum
  }
  for (const inner of field.inner) sum += count((value as Data)[inner.responseKey], inner)
  return sum + 1
}
