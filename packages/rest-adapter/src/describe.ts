import {
  type Answer,
  createOperation,
  effectOf,
  type Exchange,
  fingerprintOf,
  type Incoming,
  type Operation,
  type Reply,
  refuse,
  type Tag,
} from '@headgate/core'
import type { Context } from 'koa'
import { type Call, withCall } from './call.js'
import { DEFAULT_BODY_LIMIT, meetContract } from './contract.js'
import type { OperationDeclaration, TagContext } from './declaration.js'
import type { Match } from './match.js'
import type { Route } from './route.js'

/** Describes a request that a route answers. */
export function describeRoute(ctx: Context, incoming: Incoming, route: Route, params: unknown): Operation {
  const { method } = incoming
  const { declaration } = route
  const { cost = 1, cache = {}, bodyLimit = DEFAULT_BODY_LIMIT } = declaration ?? {}
  const call: Call = {
    name: route.nameFor(method),
    declaration,
    params,
    query: undefined,
    body: undefined,
    answered: false,
    result: undefined,
  }
  const operation = createOperation({
    protocol: 'rest',
    name: call.name,
    effect: declaration?.effect ?? effectOf(method),
    cost,
    access: accessOf(declaration),
    idempotency: declaration?.idempotency ?? (method === 'POST' || method === 'PATCH' ? 'optional' : 'off'),
    cache,
    fingerprint: () => fingerprintOf(incoming, bodyLimit),
    contract: (exchange) => meetContract(ctx, exchange, call),
    tags: (answer) => tagsOf(declaration?.tags, call, answer),
    invalidates: (answer) => (answer.status < 400 ? tagsOf(declaration?.invalidates, call, answer) : []),
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
    contract: (exchange) => Promise.resolve(answerUnmatched(exchange, match)),
  })
}

function answerUnmatched({ method }: Exchange, match: Exclude<Match, { kind: 'route' }>): Reply {
  if (match.kind === 'malformed') return refuse('request-malformed', { detail: 'The path is malformed.' })
  if (match.kind === 'unknown') return refuse('route-unknown')
  const headers = { allow: match.allowed.join(', ') }
  if (method === 'OPTIONS') return { kind: 'answer', status: 204, headers, body: null }
  return refuse('method-not-allowed', { headers })
}

function accessOf(declaration: OperationDeclaration | undefined): Operation['access'] {
  const { access, scopes } = declaration ?? {}
  return { ...(access !== undefined && { mode: access }), ...(scopes !== undefined && { scopes }) }
}

/** A handler that threw set no result to make tags from; its answer says `no-store`, so nothing is kept of it. */
function tagsOf(
  tags: ((context: TagContext) => readonly Tag[]) | undefined,
  call: Call,
  answer: Answer,
): readonly Tag[] {
  if (tags === undefined || !call.answered) return []
  const { params, query, body, result } = call as Call & TagContext
  return tags({ params, query, body, result, answer })
}
