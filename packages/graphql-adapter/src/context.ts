import { checkInteger, type Exchange, type Identity } from '@headgate/core'
import type { GraphQLResolveInfo } from 'graphql'

/** What every resolver gets as its third argument, beside what the service's own `context` adds. */
export interface GraphqlContext<Loaders = undefined> {
  readonly exchange: Exchange
  /** The caller, verified once. Undefined where no policy authenticates. */
  readonly identity: Identity | undefined
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** This request's own loaders, made at their first use. */
  readonly loaders: Loaders
  /**
   * Says what one root field really cost, in place of its rule's `cost`: each alias for itself. Where anything in the
   * operation fails this is without effect: it pays in full.
   *
   * @param info of the resolver that says it: the root field's own, or one below it.
   * @param units an integer of at least 0.
   * @throws TypeError for any other number.
   */
  readonly spent: (info: Pick<GraphQLResolveInfo, 'path'>, units: number) => void
}

/** What root fields said they cost, by their names in the answer. */
export type StatedCosts = Map<string | number, number>

/** What a context is made of. */
export interface ContextParts<Loaders> {
  readonly exchange: Exchange
  readonly loaders: ((exchange: Exchange) => Loaders) | undefined
  /** What the service adds. */
  readonly extra: object | undefined
  readonly stated: StatedCosts
}

/** Makes the context of one execution. */
export function executionContext<Loaders>(parts: ContextParts<Loaders>): GraphqlContext<Loaders> {
  const { exchange, loaders, extra, stated } = parts
  let made: { readonly loaders: Loaders } | undefined
  const context: GraphqlContext<Loaders> = {
    get exchange() {
      return exchange
    },
    get identity() {
      return exchange.identity
    },
    get signal() {
      return exchange.signal
    },
    get loaders() {
      made ??= { loaders: loaders?.(exchange) as Loaders }
      return made.loaders
    },
    spent(info, units) {
      stated.set(rootKeyOf(info.path), checkInteger('graphql: context.spent', units, 0))
    },
  }
  for (const name of Object.keys(extra ?? {})) {
    if (name in context) throw new TypeError(`graphql: context may not set '${name}'; the gate does`)
  }
  return Object.assign(context, extra)
}

function rootKeyOf(path: GraphQLResolveInfo['path']): string | number {
  let root = path
  while (root.prev !== undefined) root = root.prev
  return root.key
}

/** Members of an exchange that tell callers apart, or requests that share an answer. */
const PERSONAL: ReadonlySet<PropertyKey> = new Set(['identity', 'address', 'budgets', 'query', 'body'])

/** Fields that are read for logs and traces; no answer depends on them. */
const TRACING: readonly string[] = ['traceparent', 'tracestate', 'x-request-id']

/**
 * Watches an exchange whose answer would serve everybody: `onPersonal` is called when the caller, their address, the
 * URL's query, the content or a request field that the answer is not declared to depend on is read.
 */
export function watchExchange(exchange: Exchange, vary: readonly string[], onPersonal: () => void): Exchange {
  const harmless = new Set([...TRACING, ...vary])
  return new Proxy(exchange, {
    get(target, property) {
      if (PERSONAL.has(property)) onPersonal()
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const method = value as (...args: readonly unknown[]) => unknown
      if (property !== 'header' && property !== 'lines') return method.bind(target)
      return (name: string) => {
        if (!harmless.has(name)) onPersonal()
        return method.call(target, name)
      }
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  })
}
