import { type Item, serializeItem } from 'structured-headers'
import type { StructuredItem } from './dictionary.js'

/** A covered part of a request (RFC 9421 2). */
export interface Component {
  /** A field's name in lower case, or a derived part such as `@method`. */
  readonly name: string
  /** `sf`, `key`, `bs` of a field, `name` of `@query-param`; none or one. */
  readonly parameters: ReadonlyMap<string, unknown>
  /** Name and parameters as they stand in the signature base. */
  readonly identifier: string
}

/** The derived parts of a request that have no parameters (RFC 9421 2.2). */
export const DERIVED_PARTS = [
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
] as const

/** A derived part of a request. */
export type DerivedPart = (typeof DERIVED_PARTS)[number]

/** Whether a name is one of a derived part without parameters. */
export function isDerivedPart(name: string): name is DerivedPart {
  return DERIVED_PARTS.includes(name as DerivedPart)
}

/** Whether a name is one of a field, in lower case. */
export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/.test(name)
}

/**
 * Reads one component identifier. Undefined for what a request has not (`@status`, `req`, `tr`), and for any
 * parameter that is not known: what it would mean is not known either.
 */
export function readComponent(item: StructuredItem): Component | undefined {
  const [name, parameters] = item
  if (typeof name !== 'string' || parameters.size > 1) return undefined
  const [[parameter, value] = []] = parameters
  const isKnown = name.startsWith('@')
    ? isDerivedForm(name, parameter, value)
    : isFieldName(name) && isFieldForm(parameter, value)
  return isKnown ? { name, parameters, identifier: serializeItem(item as Item) } : undefined
}

/** Whether a component covers all of what its name stands for, and not one member of it. */
export function isWhole({ parameters }: Component): boolean {
  return !parameters.has('key') && !parameters.has('name')
}

function isDerivedForm(name: string, parameter: string | undefined, value: unknown): boolean {
  if (name === '@query-param') return parameter === 'name' && typeof value === 'string'
  return isDerivedPart(name) && parameter === undefined
}

function isFieldForm(parameter: string | undefined, value: unknown): boolean {
  if (parameter === 'key') return typeof value === 'string'
  return parameter === undefined || ((parameter === 'sf' || parameter === 'bs') && value === true)
}
