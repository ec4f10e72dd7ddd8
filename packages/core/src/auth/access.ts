import type { Access } from '../operation.js'
import { type Refusal, refuse } from '../refusal.js'
import { authorize } from './authorize.js'
import { type Identity, isAnonymous } from './identity.js'

/** Whether an operation demands to know who asks. Scopes and roles do, whatever the mode. */
export function needsCaller({ mode, scopes, roles }: Access): boolean {
  return mode === 'required' || scopes !== undefined || roles !== undefined
}

/**
 * Whether a caller, however known, has what an operation demands. Asked by every gate, also by one without
 * `authenticate`: there nobody challenges, so its 401 has no `WWW-Authenticate`.
 */
export function checkAccess(access: Access, identity: Identity | undefined): Refusal | undefined {
  if (!needsCaller(access)) return undefined
  if (identity === undefined || isAnonymous(identity)) return refuse('credentials-missing')
  return authorize(identity, access)
}
