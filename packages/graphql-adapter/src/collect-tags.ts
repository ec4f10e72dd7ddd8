import type { Tag } from '@headgate/core'
import { tagOf } from './entities.js'
import type { FieldPlan, SelectionPlan, TagPlan } from './tag-plan.js'

/** Objects of an answer, before they are serialised. */
export type Data = Record<string, unknown>

/** Which tags of an answer are wanted. */
export type Purpose =
  /** What it was made from, a thing that is not there included. */
  | 'read'
  /** What it shows to be changed. */
  | 'written'

/** The tags of an answer. */
export interface CollectedTags {
  readonly tags: Set<Tag>
  /** False when an entity hides its key: no write could be told to concern this answer. */
  readonly complete: boolean
}

/**
 * Walks an answer along its plan, gathers its tags and takes out what the plan had added to the document.
 *
 * A field may be walked several times, by every selection that names it: what was added is removed at the end.
 */
export function collectTags(plan: TagPlan, data: Data, purpose: Purpose): CollectedTags {
  const tags = new Set<Tag>()
  const extended: Data[] = []
  let complete = true

  const visitSelections = (object: Data, { fields, spreads }: SelectionPlan, type: string): void => {
    for (const field of fields) {
      const value = object[field.responseKey]
      if (value === undefined) continue // left out by a directive
      if (value === null) {
        if (purpose === 'read') add(field.absent)
        continue
      }
      add(field.lists)
      visitValue(value, field)
    }
    for (const { types, inner } of spreads) {
      if (types.has(type)) visitSelections(object, inner, type)
    }
  }

  const visitValue = (value: unknown, field: FieldPlan): void => {
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) visitValue(item, field)
    } else if (value !== null) {
      const { target, inner } = field
      const object = value as Data
      const type = target.type ?? (object[plan.aliases.type] as string)
      const key = target.key === undefined ? undefined : object[target.key]
      if (key !== undefined) identify(type, key)
      if (target.adds) extended.push(object)
      visitSelections(object, inner, type)
    }
  }

  const identify = (type: string, key: unknown): void => {
    const tag = tagOf(type, key)
    if (tag === undefined) complete = false
    else tags.add(tag)
  }

  const add = (more: readonly Tag[]): void => {
    for (const tag of more) tags.add(tag)
  }

  visitSelections(data, plan.root, plan.rootType)
  for (const object of extended) {
    delete object[plan.aliases.type]
    delete object[plan.aliases.key]
  }
  return { tags, complete }
}
