import {
  accessOf,
  type Answer,
  createOperation,
  effectOf,
  fingerprintOf,
  type Incoming,
  isCacheableMethod,
  type Operation,
  type Reply,
  refuse,
  type Tag,
} from '@headgate/core'
import type { Context } from 'koa'
import { type Call, withCall } from './call.js'
import { meetContract } from './contract.js'
import { OPERATION_DEFAULTS, type TagContext } from './declaration.js'
import type { Match } from './match.js'
import type { Route } from './route.js'

/** What a router found for a request. */
export interface Found {
  readonly route: Route
  readonly params: unknown
  readonly canonicalPath: Operation['canonicalPath']
  readonly host: Operation['host']
}

/** Describes a request that a route answers. */
export function describeRoute(ctx: Context, incoming: Incoming, found: Found): Operation {
  const { method } = incoming
  const { route, params, canonicalPath, host } = found
  const { declaration } = route
  const { cost = OPERATION_DEFAULTS.cost, bodyLimit = OPERATION_DEFAULTS.bodyLimit } = declaration ?? {}
  const call: Call = {
    name: route.nameFor(method),
    declaration,
    params,
    query: undefined,
    body: undefined,
    result: undefined,
  }
  const operation = createOperation({
    protocol: 'rest',
    name: call.name,
    effect: declaration?.effect ?? effectOf(method),
    cost,
    ...(declaration?.quotas !== undefined && { quotas: declaration.quotas }),
    access: accessOf(declaration ?? {}),
    idempotency: declaration?.idempotency ?? (method === 'POST' || method === 'PATCH' ? 'optional' : 'off'),
    // Answers of other methods are kept where the route says so: its fingerprint tells their bodies apart.
    cache: declaration?.cache ?? (isCacheableMethod(method) ? {} : 'off'),
    fingerprint: () => fingerprintOf(incoming, bodyLimit),
    ...(canonicalPath !== undefined && { canonicalPath }),
    ...(host !== undefined && { host }),
    ...(declaration !== undefined && { contract: () => meetContract(ctx, incoming, call) }),
    tags: (answer) => tagsOf(declaration?.tags, call, answer),
    invalidates: (answer) => tagsOf(declaration?.invalidates, call, answer),
  })
  return withCall(operation, call)
}

/** Describes a request that no route answers: it is gated like any other, then refused. */
export function describeUnmatched(incoming: Incoming, match: Exclude<Match, { kind: 'route' }>): Operation {
  const kind = match.kind === 'malformed' ? 'malformed' : 'unmatched'
  return createOperation({
    protocol: 'rest',
    name: `${incoming.method} (${kind})`,
    effect: effectOf(incoming.method),
    idempotency: 'off',
    cache: 'off',
    fingerprint: () => fingerprintOf(incoming),
    contract: () => Promise.resolve(answerUnmatched(incoming, match)),
  })
}

function answerUnmatched({ method }: Incoming, match: Exclude<Match, { kind: 'route' }>): Reply {
  if (match.kind === 'malformed') return refuse('request-malformed', { detail: 'The path is malformed.' })
  if (match.kind === 'unknown') return refuse('route-unknown')
  const headers = { allow: match.allowed.join(', ') }
  if (method === 'OPTIONS') return { kind: 'answer', status: 204, headers, body: null }
  return refuse('method-not-allowed', { headers })
}

function tagsOf(
  tags: ((context: TagContext) => readonly Tag[]) | undefined,
  call: Call,
  answer: Answer,
): readonly Tag[] {
  if (tags === undefined) return []
  const { params, query, body, result } = call as Call & TagContext
  return tags({ params, query, body, result, answer })
}
