import type { Access } from '../operation.js'
import { refuse, type Refusal } from '../refusal.js'
import { type Identity, isAnonymous } from './identity.js'

/** Scopes that must be held: `['a', 'b']` is both; `[['a'], ['b', 'c']]` is `a`, or `b` and `c`. */
export type RequiredScopes = NonNullable<Access['scopes']>

/**
 * Whether an identity may do what needs these scopes. Guards REST routes and GraphQL fields alike.
 *
 * @returns undefined when it may; `credentials-missing` when nobody is known; `scope-insufficient` otherwise.
 */
export function authorize(
  identity: Identity | undefined,
  scopes: RequiredScopes | undefined,
): Refusal | undefined {
  if (scopes === undefined || scopes.length === 0) return undefined
  // Without an identity it is 401: a credential may be all that is lacking.
  if (identity === undefined || isAnonymous(identity)) return refuse('credentials-missing')
  return alternatives(scopes).some((all) => holds(identity, all)) ? undefined : refuse('scope-insufficient')
}

/** The scopes to ask for when none of the alternatives is met: the first alternative. */
export function scopesToAskFor(scopes: RequiredScopes): readonly string[] {
  return alternatives(scopes).find((all) => Array.isArray(all)) ?? []
}

/** One list is one alternative. A list that mixes both forms is read as alternatives, and its strings deny. */
function alternatives(scopes: RequiredScopes): readonly (readonly string[])[] {
  return scopes.every((scope) => typeof scope === 'string') ? [scopes] : scopes
}

/** Byte-exact membership: no prefix, no wildcard, no case folding. What is not a list denies. */
function holds(identity: Identity, all: readonly string[]): boolean {
  return Array.isArray(all) && all.every((scope) => identity.scopes.includes(scope))
}
