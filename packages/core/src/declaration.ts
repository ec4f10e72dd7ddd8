import { needsCaller } from './auth/access.js'
import { milliseconds } from './duration.js'
import type { Policy } from './exchange.js'
import type { Access, CacheRule, Demand, Operation } from './operation.js'
import { checkChoice, checkInteger, checkKnown } from './options.js'

/** What a route or a root field says of itself, the same in every protocol. */
export interface Declaration {
  /** Whether a credential is needed. Default: the mode of `authenticate`. */
  readonly access?: NonNullable<Access['mode']>
  /** Scopes the caller's credential must have: all of a list, or a list of alternatives, or `{ all, any }`. Default: none. */
  readonly scopes?: Demand
  /** Roles the caller must have, in the same forms. Default: none. */
  readonly roles?: Demand
  /** What it costs of the caller's budget: an integer of at least 1. Default 1. */
  readonly cost?: number
  /** Names of quotas that hold for it beside those for all operations. Default: none. */
  readonly quotas?: readonly string[]
  /** Whether `Idempotency-Key` is demanded, honoured or ignored. The default is the channel's. */
  readonly idempotency?: Operation['idempotency']
  /** The rule for answers without a freshness of their own; `off` never stores. Default: no rule. */
  readonly cache?: CacheRule | 'off'
}

/** The members of a {@link Declaration}. */
export const DECLARATION_MEMBERS = [
  'access',
  'scopes',
  'roles',
  'cost',
  'quotas',
  'idempotency',
  'cache',
] as const

/**
 * Checks the members that are there. An undefined one is a mistake too: `scopes: config.scopes` must not open a door
 * where the name is misspelt.
 *
 * @param name names a member in errors: `operation: scopes`.
 * @throws TypeError that names the member.
 */
export function checkDeclaration(name: (member: string) => string, declaration: object): void {
  const given: Partial<Record<(typeof DECLARATION_MEMBERS)[number], unknown>> = declaration
  for (const member of DECLARATION_MEMBERS) {
    if (Object.hasOwn(given, member)) CHECKS[member](name(member), given[member])
  }
  for (const member of ['scopes', 'roles'] as const) {
    if (given.access === 'anonymous' && given[member] !== undefined) {
      throw new TypeError(`${name(member)} can't be demanded where access is 'anonymous'`)
    }
  }
}

/** What a declaration demands of the caller. */
export function accessOf({ access, scopes, roles }: Declaration): Access {
  return {
    ...(access !== undefined && { mode: access }),
    ...(scopes !== undefined && { scopes }),
    ...(roles !== undefined && { roles }),
  }
}

/** A declaration and what it is said of. */
export interface DeclaredOperation {
  /** For errors: `POST /items`, `Mutation.createItem`. */
  readonly name: string
  readonly declaration: Declaration
}

/**
 * Holds declarations against the policies before them: a protection that one demands and no policy provides would be
 * off in silence.
 *
 * @throws TypeError that names the operation and the policy it needs.
 */
export function checkDemands(
  declared: readonly DeclaredOperation[],
  policies: readonly Policy[],
  identityGiven: boolean,
): void {
  const has = (stage: Policy['stage']): boolean => policies.some((policy) => policy.stage === stage)
  const callerKnown = identityGiven || has('authenticate')
  const quotas = new Set(policies.flatMap((policy) => policy.quotas ?? []))
  for (const { name, declaration } of declared) {
    if (needsCaller(accessOf(declaration)) && !callerKnown) {
      throw new TypeError(
        `gate: '${name}' demands a caller or scopes, and no policy finds out who asks; add authenticate()`,
      )
    }
    const missing = declaration.quotas?.find((quota) => !quotas.has(quota))
    if (missing !== undefined) {
      throw new TypeError(
        `gate: '${name}' names the quota '${missing}', and no rateLimit() has one of that name`,
      )
    }
    if (declaration.idempotency === 'required' && !has('idempotency')) {
      throw new TypeError(
        `gate: '${name}' demands an Idempotency-Key, and no policy reads it; add idempotency()`,
      )
    }
  }
}

type Check = (option: string, value: unknown) => void

const CHECKS: Readonly<Record<(typeof DECLARATION_MEMBERS)[number], Check>> = {
  access: (option, value) => checkChoice(option, value, ['required', 'optional', 'anonymous']),
  scopes: (option, value) => checkDemand(option, value, isScope, 'scopes', 'no spaces or quotes'),
  roles: (option, value) => checkDemand(option, value, isRole, 'roles', 'no control characters'),
  cost: (option, value) => checkInteger(option, value),
  quotas: checkQuotaNames,
  idempotency: (option, value) => checkChoice(option, value, ['required', 'optional', 'off']),
  cache: checkCache,
}

/** An empty list is met by nobody: whoever wrote it meant something else. */
function checkDemand(
  option: string,
  value: unknown,
  test: (item: unknown) => boolean,
  what: string,
  form: string,
): void {
  if (demandedLists(option, value).every((list) => isListOf(list, test))) return
  throw new TypeError(
    `${option} must be a list of ${what}, a list of such lists, or { all, any }; no list empty, ${form}`,
  )
}

function demandedLists(option: string, value: unknown): readonly unknown[] {
  if (isListOf(value, Array.isArray)) return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [value]
  checkKnown(option, value, ['all', 'any'])
  const lists = Object.values(value) as unknown[]
  return lists.length === 0 ? [undefined] : lists
}

function checkQuotaNames(option: string, names: unknown): void {
  if (!isListOf(names, (name) => typeof name === 'string' && name !== '')) {
    throw new TypeError(`${option} must be a list of quotas' names, not empty`)
  }
}

function checkCache(option: string, rule: unknown): void {
  if (rule === 'off') return
  checkKnown(option, rule, ['ttl', 'public', 'vary'])
  const given = rule as { ttl?: unknown; public?: unknown; vary?: unknown }
  if (given.ttl !== undefined) milliseconds(`${option}.ttl`, given.ttl)
  if (given.public !== undefined && typeof given.public !== 'boolean') {
    throw new TypeError(`${option}.public must be true or false`)
  }
  if (given.vary !== undefined && !isListOf(given.vary, isFieldName)) {
    throw new TypeError(`${option}.vary must be a list of header field names`)
  }
}

function isListOf(value: unknown, test: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(test)
}

/** RFC 6749 3.3. */
function isScope(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value)
}

function isRole(value: unknown): boolean {
  return typeof value === 'string' && /^[^\p{Cc}]+$/u.test(value)
}

/** RFC 9110 5.6.2. */
function isFieldName(value: unknown): boolean {
  return typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value)
}
