import { type Clock, systemClock } from '../../clock.js'
import { milliseconds } from '../../duration.js'
import { teller } from '../../observer.js'
import {
  checkChoice,
  checkFunction,
  checkInteger,
  checkKnown,
  checkMethods,
  checkText,
} from '../../options.js'
import { checkTolerance } from '../clock-tolerance.js'
import { checkEndpoint } from '../endpoint.js'
import { checkIsRevoked, type IsRevoked } from '../revocation.js'
import type { AnswerRules } from './answer.js'
import {
  type AskServer,
  INTROSPECTION_DEFAULTS,
  type IntrospectionEvent,
  type IntrospectionOptions,
} from './options.js'

/** Options that were checked. Times are milliseconds. */
export interface IntrospectionSettings {
  readonly endpoint: string
  readonly authorization: () => string | PromiseLike<string>
  readonly rules: AnswerRules
  readonly tokens: 'opaque' | 'all'
  readonly maxTokenBytes: number
  /** Undefined: nothing is remembered. */
  readonly cache: { readonly ttl: number; readonly maxEntries: number } | undefined
  readonly isRevoked: IsRevoked | undefined
  readonly deadline: number
  readonly maxConcurrent: number
  readonly maxBytes: number
  readonly fetch: AskServer
  readonly report: (event: IntrospectionEvent) => void
  readonly clock: Clock
}

/** @throws TypeError that names the option. */
export function checkIntrospectionOptions(options: IntrospectionOptions): IntrospectionSettings {
  checkKnown('introspection', options, KNOWN)
  const all = { ...INTROSPECTION_DEFAULTS, clock: systemClock, fetch: globalThis.fetch, ...options }
  checkMethods('introspection: clock', all.clock, ['now', 'after'])
  checkFunction('introspection: fetch', all.fetch)
  if (options.onEvent !== undefined) checkFunction('introspection: onEvent', options.onEvent)
  const endpoint = checkEndpoint('introspection: endpoint', all.endpoint, all.allowLoopback)
  return {
    endpoint,
    authorization: authorizationOf(options),
    rules: answerRules(options, endpoint),
    tokens: checkChoice('introspection: tokens', all.tokens, ['opaque', 'all']),
    maxTokenBytes: checkInteger('introspection: maxTokenBytes', all.maxTokenBytes),
    cache: cacheSettings(all.cache),
    isRevoked: checkIsRevoked('introspection: isRevoked', options.isRevoked),
    deadline: milliseconds('introspection: deadline', all.deadline),
    maxConcurrent: checkInteger('introspection: maxConcurrent', all.maxConcurrent),
    maxBytes: checkInteger('introspection: maxBytes', all.maxBytes),
    fetch: all.fetch,
    report: teller(options.onEvent),
    clock: all.clock,
  }
}

const KNOWN: readonly (keyof IntrospectionOptions)[] = [
  'endpoint',
  'client',
  'authorization',
  'audience',
  'issuer',
  'subjectClaim',
  'tenantClaim',
  'tierClaim',
  'roles',
  'tokens',
  'maxTokenBytes',
  'clockTolerance',
  'cache',
  'isRevoked',
  'deadline',
  'maxConcurrent',
  'maxBytes',
  'allowLoopback',
  'fetch',
  'onEvent',
  'clock',
]

/** RFC 6749 2.3.1: id and secret are form-encoded before they are joined. */
function authorizationOf({
  client,
  authorization,
}: IntrospectionOptions): () => string | PromiseLike<string> {
  if ((client === undefined) === (authorization === undefined)) {
    throw new TypeError('introspection: exactly one of client and authorization is required')
  }
  if (typeof authorization === 'function') return authorization
  if (authorization !== undefined) {
    checkText('introspection: authorization', authorization)
    return () => authorization
  }
  checkKnown('introspection: client', client, ['id', 'secret'])
  const [id, secret] = (['id', 'secret'] as const).map((name) =>
    formEncoded(checkText(`introspection: client.${name}`, client?.[name])),
  )
  const value = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  return () => value
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function answerRules(options: IntrospectionOptions, endpoint: string): AnswerRules {
  const { subjectClaim, clockTolerance } = { ...INTROSPECTION_DEFAULTS, ...options }
  const { audience, issuer, tenantClaim, tierClaim, roles } = options
  const tolerance = checkTolerance('introspection: clockTolerance', clockTolerance)
  if (roles !== undefined) checkKnown('introspection: roles', roles, ['claim'])
  return {
    endpoint,
    audiences: audience === false ? undefined : texts('introspection: audience', audience),
    issuer: issuer === undefined ? undefined : checkText('introspection: issuer', issuer),
    subjectClaim: checkText('introspection: subjectClaim', subjectClaim),
    tenantClaim: tenantClaim === undefined ? undefined : checkText('introspection: tenantClaim', tenantClaim),
    tierClaim: tierClaim === undefined ? undefined : checkText('introspection: tierClaim', tierClaim),
    roleClaim: roles === undefined ? undefined : texts('introspection: roles.claim', roles.claim),
    tolerance,
  }
}

function texts(option: string, value: unknown): readonly string[] {
  const list: unknown = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(`${option} must be a non-empty string or an array of them`)
  }
  return list.map((text: unknown, index) => checkText(`${option}[${index}]`, text))
}

function cacheSettings(cache: NonNullable<IntrospectionOptions['cache']>): IntrospectionSettings['cache'] {
  if (cache === 'off') return undefined
  checkKnown('introspection: cache', cache, ['ttl', 'maxEntries'])
  const { ttl, maxEntries } = { ...INTROSPECTION_DEFAULTS.cache, ...cache }
  return {
    ttl: milliseconds('introspection: cache.ttl', ttl),
    maxEntries: checkInteger('introspection: cache.maxEntries', maxEntries),
  }
}
