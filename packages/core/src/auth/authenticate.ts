import type { Exchange, Next, Policy } from '../exchange.js'
import type { Fields } from '../fields.js'
import { type Refusal, refuse } from '../refusal.js'
import { keepHeadersOnError, type Reply, withHeaders } from '../reply.js'
import { askScheme } from './ask-scheme.js'
import {
  type AuthenticateOptions,
  type AuthenticateSettings,
  checkOptions,
  checkSchemes,
} from './authenticate-options.js'
import { authorize } from './authorize.js'
import { prepareChallenges } from './challenge.js'
import { credentialReader } from './credentials.js'
import type { AuthRefused } from './events.js'
import { ANONYMOUS, type Identity } from './identity.js'
import { authRefusals } from './refusals.js'
import { type Accepted, accepted, type Rejected, type Scheme, undecided } from './scheme.js'

/**
 * Finds out who asks and whether they may. The scheme that reads a credential has the last word: a bad one is never
 * anonymous and never tried on another scheme. 401 says that a credential is bad, 503 that nobody can know now.
 */
export function authenticate(schemes: readonly Scheme[], options: AuthenticateOptions = {}): Policy {
  const settings = checkOptions(options)
  const { mode: ownMode, realm, ignore, resource, can } = settings
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
    const { access } = exchange.operation
    const mode = access.mode ?? ownMode
    if (mode === 'anonymous') return permit(exchange, NOBODY)
    const presented = read(exchange)
    if (presented === 'none' && mode === 'optional') return permit(exchange, NOBODY)
    if (presented === 'none') return refused(exchange, refusals.missing(access.scopes))
    if (presented === 'several') return refused(exchange, refusals.ambiguous())
    if (presented === 'unknown') return refused(exchange, refusals.unknown(), { reason: 'unknown-scheme' })

    const asked = await askScheme(settings, presented, exchange)
    if (typeof asked === 'number') return refused(exchange, refusals.slowedDown(asked))
    const { scheme, verdict } = asked
    switch (verdict.verdict) {
      case 'accepted':
        return permit(exchange, verdict, scheme)
      case 'undecided':
        return refused(exchange, refusals.undecided(verdict), { scheme: scheme.name })
      case 'rejected':
        return refused(exchange, refusals.rejected(scheme, verdict), detailOf(scheme, verdict))
    }
  }

  async function permit(exchange: Exchange, verdict: Accepted, by?: Scheme): Promise<Accepted | Refusal> {
    const { identity } = verdict
    const { access } = exchange.operation
    const { scheme, issuer, credentialId } = identity
    const denied = authorize(identity, access)
    if (denied !== undefined) return refused(exchange, refusals.denied(denied, access.scopes, by), { scheme })
    const allowed = can === undefined || (await mayRun(settings, identity, exchange, by))
    if (allowed === 'unknown') return refused(exchange, refusals.undecided(undecided()), { scheme })
    if (!allowed) {
      return refused(exchange, refusals.denied(refuse('scope-insufficient'), undefined, by), { scheme })
    }
    const named = credentialId === undefined ? undefined : printable(credentialId)
    exchange.report({ type: 'auth.accepted', scheme, issuer, credentialId: named })
    return verdict
  }
}

const NOBODY = accepted(ANONYMOUS)

/** Whose challenge says which scopes to ask for. */
function tokenAsker(schemes: readonly Scheme[]): Scheme | undefined {
  const by = (name: string) => schemes.find(({ challenge }) => challenge.authScheme.toLowerCase() === name)
  return by('bearer') ?? by('dpop')
}

/** What `can` throws, and what is no answer, lets nobody in. */
async function mayRun(
  { can, onError }: Pick<AuthenticateSettings, 'can' | 'onError'>,
  identity: Identity,
  { operation }: Exchange,
  by: Scheme | undefined,
): Promise<boolean | 'unknown'> {
  try {
    const answer: unknown = await can?.(identity, operation)
    if (typeof answer === 'boolean') return answer
    throw new TypeError('authenticate: can must return true or false')
  } catch (error) {
    onError(error, by)
    return 'unknown'
  }
}

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

function detailOf({ name }: Scheme, { reason, at, expected, received }: Rejected): Partial<AuthRefused> {
  return { scheme: name, reason, at, expected, received: received?.slice(0, 5).map(printable) }
}

/** What a client or an issuer wrote is data: no control characters that would forge log lines, and no more than is of use. */
function printable(text: string): string {
  return text.slice(0, 256).replace(/[^\x20-\x7e]/g, '\u{fffd}')
}
