import {
  type Access,
  alternativesOf,
  type CacheRule,
  type Demand,
  milliseconds,
  type Operation,
} from '@headgate/core'
import type { RootField } from './root-fields.js'

/** What the rules of its root fields say about a whole operation. */
export type OperationDeclaration = Pick<Operation, 'access' | 'cost' | 'quotas' | 'idempotency' | 'cache'>

/** Ways to satisfy the scopes, and the roles, of an operation; more are refused rather than multiplied further. */
export const MAX_ALTERNATIVES = 64

/** A constant: it asks for nothing. */
const TYPENAME = '__typename'

/**
 * Joins the rules of an operation's root fields: costs add up, every field's scopes and roles are needed and its
 * quotas hold, the strictest mode
 * and the shortest lifetime hold.
 *
 * @returns undefined when scopes or roles have more than {@link MAX_ALTERNATIVES} alternatives.
 */
export function declarationOf(
  type: 'query' | 'mutation',
  fields: readonly RootField[],
): OperationDeclaration | undefined {
  const scopes = joinDemands(fields, 'scopes')
  const roles = joinDemands(fields, 'roles')
  if (scopes === 'too-many' || roles === 'too-many') return undefined
  const mode = joinModes(fields)
  const access: Access = {
    ...(mode === undefined ? {} : { mode }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(roles === undefined ? {} : { roles }),
  }
  const quotas = [...new Set(fields.flatMap(({ rule }) => rule?.quotas ?? []))]
  const cost = fields.reduce((sum, { rule }) => sum + (rule?.cost ?? 1), 0)
  return {
    access,
    cost: Math.max(1, Math.min(cost, Number.MAX_SAFE_INTEGER)),
    ...(quotas.length > 0 && { quotas }),
    idempotency: type === 'mutation' ? joinIdempotency(fields) : 'off',
    cache: type === 'mutation' ? 'off' : joinCache(fields),
  }
}

/** What all fields demand at once, as alternatives; undefined when nothing is demanded. */
function joinDemands(
  fields: readonly RootField[],
  member: 'scopes' | 'roles',
): readonly (readonly string[])[] | 'too-many' | undefined {
  let joined: readonly (readonly string[])[] | undefined
  const seen = new Set<Demand>()
  for (const { rule } of fields) {
    const demand = rule?.[member]
    if (demand === undefined || seen.has(demand)) continue
    seen.add(demand)
    const wanted = alternativesOf(demand)
    const product: typeof wanted =
      joined === undefined ? wanted : joined.flatMap((a) => wanted.map((b) => [...a, ...b]))
    joined = distinct(product)
    if (joined.length > MAX_ALTERNATIVES) return 'too-many'
  }
  return joined
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
