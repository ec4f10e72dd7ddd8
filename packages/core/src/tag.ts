import { shown } from './options.js'

/**
 * What an answer was made from or a write changed: one entity (`Item:42`) or a list of them (`Item[]`).
 * REST routes and GraphQL documents name the same entity by the same tag, so a write by either purges both.
 */
export type Tag = string

/**
 * The tag of one entity: `entityTag('Item', 42)` is `Item:42`.
 *
 * @throws TypeError when there is no id: no answer has the tag `Item:undefined`, and nothing would be purged.
 */
export function entityTag(type: string, id: string | number): Tag {
  if (typeof id !== 'string' && !Number.isFinite(id)) {
    throw new TypeError(
      `entityTag: the id of '${type}' must be a string or a finite number; got ${shown(id)}`,
    )
  }
  return `${typeName(type)}:${id}`
}

/** The tag of every list of a type, also of empty ones: `listTag('Item')` is `Item[]`. */
export function listTag(type: string): Tag {
  return `${typeName(type)}[]`
}

/** A type name with `:` or `[` in it could spell another type's tag. */
function typeName(type: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(type)) throw new TypeError(`'${type}' is not a type name for a tag`)
  return type
}
