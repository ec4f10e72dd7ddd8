import type { Exchange } from '../exchange.js'
import { type Fields, linesOf } from '../fields.js'
import { keyOf } from '../key.js'
import { isFieldName, listMembers, trimWhitespace } from './list.js'
import type { SelectVariant } from './store.js'

/** Names of request fields, lower-cased, sorted, without repetition. */
export type FieldNames = readonly string[]

/**
 * The request fields that select an answer: those of its `Vary`, those of the rule, and `Accept-Encoding` for content
 * that is encoded. `*` when no request can be told to select it again.
 */
export function selectingFields(headers: Fields, ruled: FieldNames): FieldNames | '*' {
  const listed = linesOf(headers, 'vary').flatMap(listMembers)
  if (!listed.every((name) => name !== '*' && isFieldName(name))) return '*'
  const coding = linesOf(headers, 'content-encoding').join(', ').toLowerCase()
  if (listed.length === 0 && (coding === '' || coding === 'identity')) return ruled
  const encoded = coding === '' || coding === 'identity' ? [] : ['accept-encoding']
  return fieldNames([...listed, ...ruled, ...encoded])
}

/** Brings names into the one form that lists are compared in. */
export function fieldNames(names: readonly string[]): FieldNames {
  return [...new Set(names.map((name) => name.toLowerCase()))].toSorted()
}

/** The headers with every name of `fields` in their `Vary`. */
export function withVary(headers: Fields, fields: FieldNames): Fields {
  if (fields.length === 0) return headers
  const lines = linesOf(headers, 'vary')
  const listed = lines.flatMap(listMembers).map((name) => name.toLowerCase())
  const missing = fields.filter((name) => !listed.includes(name))
  return missing.length === 0 || listed.includes('*')
    ? headers
    : { ...headers, vary: [...lines, ...missing].join(', ') }
}

/** Tells which variant a request selects. A missing field matches only a missing one (RFC 9111 4.1). */
export function variantSelector(exchange: Exchange): SelectVariant {
  return (vary) => {
    if (vary.length === 0) return ''
    return keyOf('variant', ...vary.flatMap((name) => [name, normalised(exchange.header(name))]))
  }
}

/** Whitespace around list members has no meaning; inside a quoted string it may. */
function normalised(value: string | undefined): string | undefined {
  return value === undefined || value.includes('"') ? value : value.split(',').map(trimWhitespace).join(',')
}
