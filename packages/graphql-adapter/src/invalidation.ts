import type { Tag } from '@headgate/core'
import { type ExecutionResult, getNamedType, isObjectType } from 'graphql'
import { collectTags, type Data } from './collect-tags.js'
import type { Entities } from './entities.js'
import { argumentsOf } from './engine.js'
import type { Runnable } from './prepare.js'
import type { RootField } from './root-fields.js'
import type { SelectionPlan } from './tag-plan.js'

/** What a mutation changed, and which of its rules could not say it. */
export interface Invalidation {
  readonly tags: readonly Tag[]
  readonly failures: readonly unknown[]
}

/**
 * The tags a mutation changed: the entities and lists in its answer, and what the rules of its fields add. Takes out
 * of the answer what the plan had added.
 */
export function invalidationOf(
  runnable: Runnable,
  result: ExecutionResult,
  entities: Entities,
): Invalidation {
  const { document } = runnable
  const data: Data | undefined = result.data ?? undefined
  const keys = new Map<string, unknown>()
  const tags = new Set<Tag>()
  if (data !== undefined && document.plan !== undefined) {
    rememberKeys(document.plan.root, data, keys)
    for (const tag of collectTags(document.plan, data, 'written').tags) tags.add(tag)
  }
  // An error further down took the answer of a field that did its work: only one at the field itself is its failure.
  const failed = new Set(result.errors?.filter(({ path }) => path?.length === 1).map(({ path }) => path?.[0]))
  const broken = new Set(result.errors?.map(({ path }) => path?.[0]))
  const failures: unknown[] = []
  for (const root of document.root) {
    const value = data?.[root.responseKey]
    if (data !== undefined && value === undefined) continue // not asked for
    if ((value ?? null) === null && failed.has(root.responseKey)) continue
    // Of a field whose answer is lost only its lists are known.
    const lost = data === undefined || (value === null && broken.has(root.responseKey))
    if (lost) listsOf(root, entities, tags)
    try {
      for (const tag of declared(root, runnable, withKey(value, root, keys, entities))) tags.add(tag)
    } catch (error) {
      failures.push(error)
      listsOf(root, entities, tags)
    }
  }
  return { tags: [...tags], failures }
}

function declared(root: RootField, runnable: Runnable, result: unknown): readonly Tag[] {
  if (root.rule?.invalidates === undefined || root.field === undefined) return []
  const tags: unknown = root.rule.invalidates(argumentsOf(root.field, root.node, runnable.coerced), result)
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  throw new TypeError(`graphql: invalidates of '${root.node.name.value}' must return an array of tags`)
}

function listsOf({ field }: RootField, entities: Entities, tags: Set<Tag>): void {
  if (field === undefined) return
  for (const tag of entities.listTags(getNamedType(field.type))) tags.add(tag)
}

/** The keys of the entities that root fields answered with, whatever the client called them. */
function rememberKeys(plan: SelectionPlan, data: Data, keys: Map<string, unknown>): void {
  for (const { responseKey, target } of plan.fields) {
    const value = data[responseKey]
    if (target.key === undefined || typeof value !== 'object' || value === null) continue
    keys.set(responseKey, (value as Data)[target.key])
  }
  for (const { inner } of plan.spreads) rememberKeys(inner, data, keys)
}

function withKey(
  value: unknown,
  { responseKey, field }: RootField,
  keys: ReadonlyMap<string, unknown>,
  entities: Entities,
): unknown {
  const key = keys.get(responseKey)
  if (key === undefined || field === undefined) return value ?? null
  const type = getNamedType(field.type)
  const keyField = isObjectType(type) ? entities.keyField(type) : undefined
  return keyField === undefined ? value : { ...(value as Data), [keyField]: key }
}
