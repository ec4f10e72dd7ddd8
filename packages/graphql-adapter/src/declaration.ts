import { type Access, type CacheRule, milliseconds, type Operation } from '@headgate/core'
import type { RootField } from './root-fields.js'

/** What the rules of its root fields say about a whole operation. */
export type OperationDeclaration = Pick<Operation, 'access' | 'cost' | 'idempotency' | 'cache'>

/** Ways to satisfy the scopes of an operation; more are refused rather than multiplied further. */
export const MAX_ALTERNATIVES = 64

/** A constant: it asks for nothing. */
const TYPENAME = '__typename'

/**
 * Joins the rules of an operation's root fields: costs add up, every field's scopes are needed, the strictest mode
 * and the shortest lifetime hold.
 *
 * @returns undefined when the scopes have more than {@link MAX_ALTERNATIVES} alternatives.
 */
export function declarationOf(
  type: 'query' | 'mutation',
  fields: readonly RootField[],
): OperationDeclaration | undefined {
  const scopes = joinScopes(fields)
  if (scopes === undefined) return undefined
  const mode = joinModes(fields)
  const access: Access = {
    ...(mode === undefined ? {} : { mode }),
    ...(scopes.length === 0 ? {} : { scopes }),
  }
  const cost = fields.reduce((sum, { rule }) => sum + (rule?.cost ?? 1), 0)
  return {
    access,
    cost: Math.max(1, Math.min(cost, Number.MAX_SAFE_INTEGER)),
    idempotency: type === 'mutation' ? joinIdempotency(fields) : 'off',
    cache: type === 'mutation' ? 'off' : joinCache(fields),
  }
}

/** All fields' scopes at once, as alternatives; none means nothing is needed. */
function joinScopes(fields: readonly RootField[]): readonly (readonly string[])[] | undefined {
  let joined: readonly (readonly string[])[] = []
  const seen = new Set<Access['scopes']>()
  for (const { rule } of fields) {
    if (rule?.scopes === undefined || rule.scopes.length === 0 || seen.has(rule.scopes)) continue
    seen.add(rule.scopes)
    const wanted = alternatives(rule.scopes)
    const product = joined.length === 0 ? wanted : joined.flatMap((a) => wanted.map((b) => [...a, ...b]))
    joined = distinct(product)
    if (joined.length > MAX_ALTERNATIVES) return undefined
  }
  return joined
}

function alternatives(scopes: NonNullable<Access['scopes']>): readonly (readonly string[])[] {
  return isFlat(scopes) ? [scopes] : scopes
}

function isFlat(scopes: NonNullable<Access['scopes']>): scopes is readonly string[] {
  return typeof scopes[0] === 'string'
}

function distinct(all: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const sorted = all.map((scopes) => [...new Set(scopes)].toSorted())
  return [...new Map(sorted.map((scopes) => [JSON.stringify(scopes), scopes])).values()]
}

/** A field without one has the gate's, which may be `required`: only a mode that all fields share relaxes it. */
function joinModes(fields: readonly RootField[]): Access['mode'] {
  const modes = new Set(
    fields.filter(({ node }) => node.name.value !== TYPENAME).map(({ rule }) => rule?.access),
  )
  if (modes.has('required')) return 'required'
  if (modes.has(undefined)) return undefined
  return modes.has('optional') ? 'optional' : [...modes][0]
}

function joinIdempotency(fields: readonly RootField[]): Operation['idempotency'] {
  const asked = fields.map(({ rule }) => rule?.idempotency ?? 'optional')
  if (asked.includes('required')) return 'required'
  return asked.includes('optional') ? 'optional' : 'off'
}

/** The schema itself (`__schema`, `__type`) is not kept. */
function joinCache(fields: readonly RootField[]): Operation['cache'] {
  const rules: CacheRule[] = []
  for (const { node, rule } of fields) {
    const name = node.name.value
    if (name === TYPENAME) continue
    if (name.startsWith('__') || rule?.cache === 'off') return 'off'
    rules.push(rule?.cache ?? {})
  }
  const lifetimes = rules.map(({ ttl }) => (ttl === undefined ? undefined : milliseconds('ttl', ttl)))
  const known = lifetimes.filter((lifetime) => lifetime !== undefined)
  const vary = [...new Set(rules.flatMap((rule) => rule.vary ?? []).map((name) => name.toLowerCase()))]
  return {
    ...(known.length === 0 || known.length < lifetimes.length ? {} : { ttl: Math.min(...known) }),
    ...(rules.length > 0 && rules.every((rule) => rule.public === true) ? { public: true } : {}),
    ...(vary.length === 0 ? {} : { vary }),
  }
}
