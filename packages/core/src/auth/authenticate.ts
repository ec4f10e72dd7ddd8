import type { Exchange, Next, Policy } from '../exchange.js'
import type { Fields } from '../fields.js'
import { type Refusal, refuse } from '../refusal.js'
import { keepHeadersOnError, type Reply, withHeaders } from '../reply.js'
import { type AuthenticateOptions, checkOptions, checkSchemes } from './authenticate-options.js'
import { authorize } from './authorize.js'
import { prepareChallenges, serializeChallenge } from './challenge.js'
import { type Credential, credentialReader, lastWord } from './credentials.js'
import type { AuthRefused } from './events.js'
import { ANONYMOUS, type Identity, isAnonymous } from './identity.js'
import { authRefusals } from './refusals.js'
import {
  type Accepted,
  accepted,
  type Rejected,
  type Scheme,
  type Undecided,
  undecided,
  type Verdict,
} from './scheme.js'

/**
 * Finds out who asks and whether they may. The scheme that reads a credential has the last word: a bad one is never
 * anonymous and never tried on another scheme. 401 says that a credential is bad, 503 that nobody can know now.
 */
export function authenticate(schemes: readonly Scheme[], options: AuthenticateOptions = {}): Policy {
  const { mode: ownMode, realm, ignore, can, failures, resource, onError } = checkOptions(options)
  checkSchemes(schemes, ignore)
  const read = credentialReader(schemes, ignore)
  const challenges = prepareChallenges(schemes, realm, resource?.metadataUrl)
  const refusals = authRefusals(challenges, resource === undefined ? undefined : tokenAsker(schemes))

  return {
    name: 'authenticate',
    stage: 'authenticate',
    async handle(exchange, next) {
      const outcome = await decide(exchange)
      if ('kind' in outcome) return outcome
      exchange.identity = outcome.identity
      return outcome.headers === undefined ? next() : withFields(outcome.headers, next)
    },
  }

  async function decide(exchange: Exchange): Promise<Accepted | Refusal> {
    const mode = exchange.operation.access.mode ?? ownMode
    if (mode === 'anonymous') return permit(exchange, NOBODY)
    const presented = read(exchange)
    if (presented === 'none' && mode === 'optional') return permit(exchange, NOBODY)
    if (presented === 'none') return refused(exchange, refusals.missing(exchange.operation.access.scopes))
    if (presented === 'several') return refused(exchange, refusals.ambiguous())
    if (presented === 'unknown') return refused(exchange, refusals.unknown(), { reason: 'unknown-scheme' })

    const looked = await look(presented, exchange)
    if (typeof looked === 'number') return refused(exchange, refusals.slowedDown(looked))
    const { scheme, verdict } = looked
    if (verdict.verdict === 'accepted') return permit(exchange, verdict, scheme)
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

  async function permit(exchange: Exchange, verdict: Accepted, by?: Scheme): Promise<Accepted | Refusal> {
    const { identity } = verdict
    const { access } = exchange.operation
    const { scheme, issuer, credentialId } = identity
    const denied = authorize(identity, access)
    if (denied !== undefined) return refused(exchange, refusals.denied(denied, access.scopes, by), { scheme })
    const allowed = can === undefined || (await mayRun(identity, exchange, by))
    if (allowed === 'unknown') return refused(exchange, refusals.undecided(undecided()), { scheme })
    if (!allowed) {
      return refused(exchange, refusals.denied(refuse('scope-insufficient'), undefined, by), { scheme })
    }
    const named = credentialId === undefined ? undefined : printable(credentialId)
    exchange.report({ type: 'auth.accepted', scheme, issuer, credentialId: named })
    return verdict
  }

  /** What `can` throws, and what is no answer, lets nobody in. */
  async function mayRun(
    identity: Identity,
    { operation }: Exchange,
    by?: Scheme,
  ): Promise<boolean | 'unknown'> {
    try {
      const answer: unknown = await can?.(identity, operation)
      if (typeof answer === 'boolean') return answer
      throw new TypeError('authenticate: can must return true or false')
    } catch (error) {
      onError?.(error, by)
      return 'unknown'
    }
  }

  /** A number: how long the address must wait, in microseconds. */
  function look(credential: Credential, exchange: Exchange): Promise<Looked | number> {
    const asking = (): Promise<Looked> => ask(credential, exchange)
    return failures?.guard(exchange, asking, isGuess, storeFailed(exchange)) ?? asking()
  }

  /** What a scheme throws says nothing about the credential: it could not decide. */
  async function ask(credential: Credential, exchange: Exchange): Promise<Looked> {
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

/** What the scheme that has the last word says. */
interface Looked {
  readonly scheme: Scheme
  readonly verdict: Verdict
}

/** A genuine credential that ended, or is for another service, is no guess. */
function isGuess({ verdict }: Looked): boolean {
  return verdict.verdict === 'rejected' && verdict.genuine !== true
}

/** Whose challenge says which scopes to ask for. */
function tokenAsker(schemes: readonly Scheme[]): Scheme | undefined {
  const by = (name: string) => schemes.find(({ challenge }) => challenge.authScheme.toLowerCase() === name)
  return by('bearer') ?? by('dpop')
}

const NOBODY = accepted(ANONYMOUS)

/** What a scheme has to say to the client, whatever the request comes to. */
async function withFields(fields: Fields, next: Next): Promise<Reply> {
  try {
    return withHeaders(await next(), fields)
  } catch (error) {
    keepHeadersOnError(error, fields)
    throw error
  }
}

function refused(exchange: Exchange, refusal: Refusal, detail: Partial<AuthRefused> = {}): Refusal {
  exchange.report({ ...detail, type: 'auth.refused', code: refusal.code })
  return refusal
}

function storeFailed(exchange: Exchange): (error: unknown) => void {
  return (error) => {
    const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
    const reason = [code, name].find((text) => typeof text === 'string') ?? typeof error
    exchange.report({ type: 'auth.store-failed', reason })
  }
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

/** What a client or an issuer wrote is data: no control characters that would forge log lines, and no more than is of use. */
function printable(text: string): string {
  return text.slice(0, 256).replace(/[^\x20-\x7e]/g, '\u{fffd}')
}
