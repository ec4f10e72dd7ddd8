import type { Exchange, Policy } from '../exchange.js'
import type { Access } from '../operation.js'
import { checkChoice, checkFunction, checkKnown, checkMethods, checkText } from '../options.js'
import type { Refusal } from '../refusal.js'
import { authorize } from './authorize.js'
import { prepareChallenges, serializeChallenge } from './challenge.js'
import { type Credential, credentialReader, lastWord } from './credentials.js'
import type { AuthRefused } from './events.js'
import { ANONYMOUS, type Identity, isAnonymous } from './identity.js'
import { authRefusals } from './refusals.js'
import {
  type Accepted,
  type Rejected,
  type Scheme,
  type Undecided,
  undecided,
  type Verdict,
} from './scheme.js'

/** Settings of `authenticate`. */
export interface AuthenticateOptions {
  /** The mode of operations that name none. Default `required`. */
  readonly mode?: NonNullable<Access['mode']>
  /** The realm of every challenge. Printable ASCII without `"` and `\`. Default `api`. */
  readonly realm?: string
  /**
   * Authentication schemes in `Authorization` that count as not sent, for a proxy in front that uses the field for
   * itself: `['basic']`. Default: none.
   */
  readonly ignore?: readonly string[]
  /** Gets what a scheme threw; the client gets 503. It must not throw. Default: nobody does. */
  readonly onError?: (error: unknown, scheme: Scheme) => void
}

/** The defaults of {@link AuthenticateOptions}. */
export const AUTHENTICATE_DEFAULTS = { mode: 'required', realm: 'api', ignore: [] } as const

/**
 * Finds out who asks and whether they may. The scheme that reads a credential has the last word: a bad one is never
 * anonymous and never tried on another scheme. 401 says that a credential is bad, 503 that nobody can know now.
 */
export function authenticate(schemes: readonly Scheme[], options: AuthenticateOptions = {}): Policy {
  const { mode: ownMode, realm, ignore, onError } = checkOptions(options)
  checkSchemes(schemes, ignore)
  const read = credentialReader(schemes, ignore)
  const refusals = authRefusals(prepareChallenges(schemes, realm))

  return {
    name: 'authenticate',
    stage: 'authenticate',
    async handle(exchange, next) {
      const outcome = await decide(exchange)
      if ('kind' in outcome) return outcome
      exchange.identity = outcome
      return next()
    },
  }

  async function decide(exchange: Exchange): Promise<Identity | Refusal> {
    const mode = exchange.operation.access.mode ?? ownMode
    if (mode === 'anonymous') return permit(exchange, ANONYMOUS)
    const presented = read(exchange)
    if (presented === 'none' && mode === 'optional') return permit(exchange, ANONYMOUS)
    if (presented === 'none') return refused(exchange, refusals.missing())
    if (presented === 'several') return refused(exchange, refusals.ambiguous())
    if (presented === 'unknown') return refused(exchange, refusals.unknown(), { reason: 'unknown-scheme' })

    const { scheme, verdict } = await ask(presented, exchange)
    if (verdict.verdict === 'accepted') return permit(exchange, verdict.identity, scheme)
    if (verdict.verdict === 'undecided') {
      return refused(exchange, refusals.undecided(verdict), { scheme: scheme.name })
    }
    const { reason, at, expected, received } = verdict
    const detail = {
      scheme: scheme.name,
      reason,
      at,
      expected,
      received: received?.slice(0, 5).map(printable),
    }
    return refused(exchange, refusals.rejected(scheme, verdict), detail)
  }

  function permit(exchange: Exchange, identity: Identity, by?: Scheme): Identity | Refusal {
    const { scopes } = exchange.operation.access
    const denied = authorize(identity, scopes)
    const { scheme, issuer, credentialId } = identity
    if (denied !== undefined) return refused(exchange, refusals.denied(denied, scopes ?? [], by), { scheme })
    exchange.report({ type: 'auth.accepted', scheme, issuer, credentialId })
    return identity
  }

  /** What a scheme throws says nothing about the credential: it could not decide. */
  async function ask(
    credential: Credential,
    exchange: Exchange,
  ): Promise<{ scheme: Scheme; verdict: Verdict }> {
    let scheme = credential.readers[0]
    try {
      scheme = lastWord(credential)
      return { scheme, verdict: checkVerdict(scheme, await scheme.verify(credential.value, exchange)) }
    } catch (error) {
      onError?.(error, scheme)
      return { scheme, verdict: undecided() }
    }
  }
}

function refused(exchange: Exchange, refusal: Refusal, detail: Partial<AuthRefused> = {}): Refusal {
  exchange.report({ ...detail, type: 'auth.refused', code: refusal.code })
  return refusal
}

/** A scheme of somebody's own must not let anyone in by a slip. */
function checkVerdict(scheme: Scheme, verdict: Verdict): Verdict {
  switch ((verdict as Verdict | undefined)?.verdict) {
    case 'accepted': {
      const identity = (verdict as Accepted).identity as Identity | undefined
      if (identity !== undefined && isNamed(identity)) return verdict
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

/** Made by `createIdentity`: it has the digests that quotas, keys and cache entries belong to. */
function isNamed(identity: Identity): boolean {
  const { key, partition } = identity as Partial<Identity>
  return (
    Object.isFrozen(identity) &&
    typeof key === 'string' &&
    typeof partition === 'string' &&
    !isAnonymous(identity)
  )
}

/** What a client wrote is data: no control characters that would forge log lines, and no more than is of use. */
function printable(text: string): string {
  return text.slice(0, 256).replace(/[^\x20-\x7e]/g, '\u{fffd}')
}

type Checked = Required<Pick<AuthenticateOptions, 'mode' | 'realm' | 'ignore'>> &
  Pick<AuthenticateOptions, 'onError'>

function checkOptions(options: AuthenticateOptions): Checked {
  checkKnown('authenticate', options, ['mode', 'realm', 'ignore', 'onError'])
  const checked: Checked = { ...AUTHENTICATE_DEFAULTS, ...options }
  checkChoice('authenticate: mode', checked.mode, ['required', 'optional', 'anonymous'])
  checkText('authenticate: realm', checked.realm)
  if (!Array.isArray(checked.ignore)) throw new TypeError('authenticate: ignore must be an array')
  checked.ignore.forEach((name, index) => checkText(`authenticate: ignore[${index}]`, name))
  if (checked.onError !== undefined) checkFunction('authenticate: onError', checked.onError)
  return checked
}

function checkSchemes(schemes: readonly Scheme[], ignore: readonly string[]): void {
  if (!Array.isArray(schemes) || schemes.length === 0) {
    throw new TypeError('authenticate: schemes must be an array with at least one scheme')
  }
  schemes.forEach((scheme: Scheme, index) => {
    const option = `authenticate: schemes[${index}]`
    checkMethods(option, scheme, ['verify'])
    checkText(`${option}.name`, scheme.name)
    checkText(
      `${option}.challenge.authScheme`,
      (scheme.challenge as Scheme['challenge'] | undefined)?.authScheme,
    )
    const { field, authScheme } = (scheme.credential ?? {}) as Partial<Scheme['credential']>
    checkText(`${option}.credential.field`, field)
    if (field !== field?.toLowerCase()) throw new TypeError(`${option}.credential.field must be lower case`)
    if ((field === 'authorization') !== (authScheme !== undefined)) {
      throw new TypeError(`${option}.credential.authScheme must be given for 'authorization', and only there`)
    }
    if (ignore.some((name) => name.toLowerCase() === authScheme?.toLowerCase())) {
      throw new TypeError(`${option} reads '${authScheme}', which ignore leaves out`)
    }
  })
}
