import { type Access, authorize, type Identity, isAnonymous, type Refusal, refuse } from '@headgate/core'
import type { OperationDeclaration } from './declaration.js'

/** What a declaration demands of the caller. */
export function accessOf(declaration: OperationDeclaration | undefined): Access {
  const { access, scopes } = declaration ?? {}
  return { ...(access !== undefined && { mode: access }), ...(scopes !== undefined && { scopes }) }
}

/** Whether a route demands to know who asks. */
export function needsCaller({ mode, scopes }: Access): boolean {
  return mode === 'required' || scopes !== undefined
}

/**
 * Asks once more for what the declaration demands. `authenticate` did, where it stands in the gate; where the caller
 * comes from elsewhere (an outer gate, koa-jwt) or from nowhere, nobody has.
 */
export function checkAccess(access: Access, identity: Identity | undefined): Refusal | undefined {
  if (!needsCaller(access)) return undefined
  if (identity === undefined || isAnonymous(identity)) return refuse('credentials-missing')
  return authorize(identity, access.scopes)
}
