import { checkFunction } from '../options.js'
import type { Identity } from './identity.js'
import { rejected, type Verdict } from './scheme.js'

/** Whether the credential that named this caller is revoked. It answers at once; a throw is answered with 503. */
export type IsRevoked = (identity: Identity) => boolean

/** @throws TypeError that names the option. */
export function checkIsRevoked(option: string, isRevoked: IsRevoked | undefined): IsRevoked | undefined {
  if (isRevoked === undefined) return undefined
  checkFunction(option, isRevoked)
  return (identity) => {
    const answer: unknown = isRevoked(identity)
    // A promise would count as true or, worse, as false.
    if (typeof answer === 'boolean') return answer
    throw new TypeError(`${option} must return a boolean, not a promise`)
  }
}

/** A good credential is bad once it is revoked. Asked on every request: it is not a matter of any cache. */
export function unlessRevoked(verdict: Verdict, isRevoked: IsRevoked | undefined): Verdict {
  if (isRevoked === undefined || verdict.verdict !== 'accepted') return verdict
  return isRevoked(verdict.identity) ? rejected('revoked', { genuine: true }) : verdict
}
