import type { Exchange } from '../exchange.js'
import { reasonOf } from '../stores/store-failure.js'
import type { AuthenticateSettings } from './authenticate-options.js'
import { serializeChallenge } from './challenge.js'
import { type Credential, lastWord } from './credentials.js'
import { isAnonymous, isIdentity } from './identity.js'
import {
  type Accepted,
  type Rejected,
  type Scheme,
  type Undecided,
  undecided,
  type Verdict,
} from './scheme.js'

/** What the scheme that has the last word says. */
export interface Asked {
  readonly scheme: Scheme
  readonly verdict: Verdict
}

/**
 * Asks the scheme that has the last word about a credential. Never rejects.
 *
 * @returns a number where the credential was not looked at: how long its address must wait, in microseconds.
 */
export function askScheme(
  { failures, onError }: Pick<AuthenticateSettings, 'failures' | 'onError'>,
  credential: Credential,
  exchange: Exchange,
): Promise<Asked | number> {
  const ask = (): Promise<Asked> => verdictOn(credential, exchange, onError)
  return failures?.guard(exchange, ask, isGuess, storeFailed(exchange)) ?? ask()
}

/** What a scheme throws says nothing about the credential: it could not decide. */
async function verdictOn(
  credential: Credential,
  exchange: Exchange,
  onError: AuthenticateSettings['onError'],
): Promise<Asked> {
  let scheme = credential.readers[0]
  try {
    scheme = lastWord(credential)
    return { scheme, verdict: checkVerdict(scheme, await scheme.verify(credential.value, exchange)) }
  } catch (error) {
    onError(error, scheme)
    return { scheme, verdict: undecided() }
  }
}

/** A genuine credential that ended, or is for another service, is no guess. */
function isGuess({ verdict }: Asked): boolean {
  return verdict.verdict === 'rejected' && verdict.genuine !== true
}

function storeFailed(exchange: Exchange): (error: unknown) => void {
  return (error) => exchange.report({ type: 'auth.store-failed', reason: reasonOf(error) })
}

/** A scheme of somebody's own must not let anyone in by a slip. */
function checkVerdict(scheme: Scheme, verdict: Verdict): Verdict {
  switch ((verdict as Verdict | undefined)?.verdict) {
    case 'accepted': {
      const { identity } = verdict as Accepted
      if (isIdentity(identity) && !isAnonymous(identity)) return verdict
      break
    }
    case 'rejected': {
      const { challenge } = verdict as Rejected
      if (challenge !== undefined) serializeChallenge('check', challenge)
      return verdict
    }
    case 'undecided':
      if (Number.isFinite((verdict as Undecided).retryAfter)) return verdict
  }
  throw new TypeError(`authenticate: '${scheme.name}' returned no verdict`)
}
