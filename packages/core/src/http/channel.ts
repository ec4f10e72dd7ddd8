import {
  accessOf,
  checkDeclaration,
  checkDemands,
  type Declaration,
  DECLARATION_MEMBERS,
} from '../declaration.js'
import { requestFingerprint } from '../idempotency/fingerprint.js'
import { createOperation, type Effect, effectOf, isCacheableMethod, type Operation } from '../operation.js'
import { checkChoice, checkKnown, checkText } from '../options.js'
import type { Incoming, Policy } from '../exchange.js'
import { isRefusal, type Refusal, refuse } from '../refusal.js'

/** What a service says of a request that no channel accepts, in the words of a declaration. */
export interface OperationHints extends Declaration {
  /** A name of low cardinality, for events: `GET /items/:id`. Default: the method and `*`. */
  readonly name?: string
  /** Whether it may change something. Default: by the method. */
  readonly effect?: Effect
  /** Whose path it is, where hosts are services of their own; a name that no client chooses. Default: one service. */
  readonly host?: string
}

/** The largest body that is read for a fingerprint where nobody says otherwise: 1 MiB. */
const BODY_LIMIT = 1_048_576

/** Describes a request by HTTP's own semantics, and what a service says of it: all that is known without a router. */
export function describeHttp(incoming: Incoming, hints?: OperationHints): Operation {
  const { method } = incoming
  const described = {
    protocol: 'http',
    name: `${method} *`,
    effect: effectOf(method),
    // Only POST and PATCH are not idempotent by themselves (RFC 9110 9.2.2).
    idempotency: method === 'POST' || method === 'PATCH' ? 'optional' : 'off',
    cache: isCacheableMethod(method) ? {} : 'off',
    fingerprint: () => fingerprintOf(incoming),
  } as const
  if (hints === undefined) return createOperation(described)
  const { access: _mode, scopes: _scopes, roles: _roles, ...others } = hints
  return createOperation({ ...described, access: accessOf(hints), ...others })
}

/**
 * Checks what a service said of a request, as a route's declaration is checked at start-up: a misspelt `scopes` must not
 * open a door.
 *
 * @throws TypeError that names the member, or the policy that it needs.
 */
export function checkHints(
  hints: OperationHints | undefined,
  policies: readonly Policy[],
  identityGiven: boolean,
): OperationHints | undefined {
  if (hints === undefined) return undefined
  // Its rejection would be nobody's, and end the process.
  if (hints instanceof Promise) hints.catch(() => undefined)
  checkKnown('gate: operation()', hints, HINTS)
  if (!isPlain(hints)) throw new TypeError('gate: operation() must return a plain object, at once')
  checkDeclaration((member) => `gate: operation().${member}`, hints)
  if (Object.hasOwn(hints, 'name')) checkText('gate: operation().name', hints.name)
  if (Object.hasOwn(hints, 'host')) checkText('gate: operation().host', hints.host)
  if (Object.hasOwn(hints, 'effect')) checkChoice('gate: operation().effect', hints.effect, EFFECTS)
  checkDemands([{ name: 'operation()', declaration: hints }], policies, identityGiven)
  return hints
}

/** A promise has no members, and inherited ones are seen by some who look and not by others. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const HINTS = [...DECLARATION_MEMBERS, 'name', 'effect', 'host']
const EFFECTS = ['read', 'write'] as const

/** Describes a request whose target nobody can read: it is gated like any other, then refused. */
export function describeMalformed({ method }: Incoming): Operation {
  const refusal = refuse('request-malformed')
  return createOperation({
    protocol: 'http',
    name: `${method} (malformed)`,
    effect: effectOf(method),
    idempotency: 'off',
    cache: 'off',
    fingerprint: () => refusal,
    contract: () => Promise.resolve(refusal),
  })
}

/** A digest of the query, the media type and the content. */
export async function fingerprintOf(
  incoming: Incoming,
  limit: number = BODY_LIMIT,
): Promise<string | Refusal> {
  const content = await incoming.body(limit)
  return isRefusal(content) ? content : requestFingerprint(incoming, content)
}
