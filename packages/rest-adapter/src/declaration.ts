import type { ParsedUrlQuery } from 'node:querystring'
import type { Answer, Declaration, Effect, Tag } from '@headgate/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * What a route says of itself. Everything has a default. `idempotency` is `optional` for POST and PATCH, else `off`:
 * the other methods are idempotent by themselves (RFC 9110 9.2.2).
 */
export interface OperationDeclaration<
  Body = unknown,
  Params = Record<string, string>,
  Query = ParsedUrlQuery,
> extends Declaration {
  /** The name in events, metrics and keys. Default: method and template, `GET /items/:id`. */
  readonly name?: string
  /** Default: `read` for GET, HEAD, OPTIONS, TRACE and QUERY, else `write`. */
  readonly effect?: Effect
  /** The entities and lists that a read's answer was made from. Default: none. */
  readonly tags?: (context: TagContext<Body, Params, Query>) => readonly Tag[]
  /** The entities and lists that a write changed. Asked after a success and after a failure (5xx). Default: none. */
  readonly invalidates?: (context: TagContext<Body, Params, Query>) => readonly Tag[]
  /** The contract of the body, by any Standard Schema library. Default: the body is left to the handler. */
  readonly body?: StandardSchemaV1<unknown, Body>
  /** The contract of the path's parameters. Default: strings, unchecked. */
  readonly params?: StandardSchemaV1<unknown, Params>
  /** The contract of the query. Default: strings and lists of strings, unchecked. */
  readonly query?: StandardSchemaV1<unknown, Query>
  /** The most bytes of a body that are read. Default 1048576 (1 MiB). */
  readonly bodyLimit?: number
  /** Media types of the body; all are read as JSON. Only with `body`. Default `['application/json']`. */
  readonly mediaTypes?: readonly string[]
}

/** What a member of a declaration is where the route says nothing and its method does not matter. */
export const OPERATION_DEFAULTS = {
  cost: 1,
  bodyLimit: 1_048_576,
  mediaTypes: ['application/json'],
} as const satisfies Partial<OperationDeclaration>

/** What tags can be made from. */
export interface TagContext<Body = unknown, Params = Record<string, string>, Query = ParsedUrlQuery> {
  readonly params: Params
  readonly query: Query
  /** The validated body; undefined where the declaration has no `body`. */
  readonly body: Body
  /** What the handler set as `ctx.body`, before it was serialised. Undefined where it threw or set nothing. */
  readonly result: unknown
  readonly answer: Answer
}

/** What the gate hands to the handler of a declared route: the values that met the contract. */
export interface Contracted<Body = unknown, Params = Record<string, string>, Query = ParsedUrlQuery> {
  params: Params
  query: Query
  request: { body: Body; params: Params; query: Query }
}
