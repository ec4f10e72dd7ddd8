import type { Access, Demand } from '../operation.js'
import { refuse, type Refusal } from '../refusal.js'
import { meets } from './demand.js'
import { type Identity, isAnonymous } from './identity.js'

/** What {@link authorize} asks for: scopes alone, or scopes and roles. */
export type Requirements = Demand | Pick<Access, 'scopes' | 'roles'>

/**
 * Whether an identity may do what needs these scopes and roles. Guards REST routes and GraphQL fields alike.
 *
 * @returns undefined when it may; `credentials-missing` when nobody is known; `scope-insufficient` otherwise.
 */
export function authorize(
  identity: Identity | undefined,
  requirements: Requirements | undefined,
): Refusal | undefined {
  const { scopes, roles } = partsOf(requirements)
  if (scopes === undefined && roles === undefined) return undefined
  // Without an identity it is 401: a credential may be all that is lacking.
  if (identity === undefined || isAnonymous(identity)) return refuse('credentials-missing')
  const allowed =
    (scopes === undefined || meets(identity.scopes, scopes)) &&
    (roles === undefined || meets(identity.roles, roles))
  return allowed ? undefined : refuse('scope-insufficient')
}

function partsOf(requirements: Requirements | undefined): Pick<Access, 'scopes' | 'roles'> {
  if (requirements === undefined) return {}
  return isDemand(requirements) ? { scopes: requirements } : requirements
}

function isDemand(requirements: Requirements): requirements is Demand {
  return Array.isArray(requirements) || 'all' in requirements || 'any' in requirements
}
