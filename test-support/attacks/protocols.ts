import type { Sent } from './wire.js'

/** What an attacker asks for. */
export type Wish = 'me' | 'open' | 'home' | 'admin' | 'create' | 'signIn'

/** A protocol under attack. */
export interface AttackedProtocol {
  readonly name: 'REST' | 'GraphQL'
  /** The path of its endpoint, or of one of its routes. */
  readonly path: string
  /** A request for a part of the service; `value` is a note's text or a password. */
  ask(wish: Wish, value?: string): Sent
  /** The bytes of a body where it takes one. */
  withBody(body: string | Buffer, fields?: Sent['fields']): Sent
}

const JSON_TYPE = ['Content-Type', 'application/json'] as const

function get(target: string): Sent {
  return { method: 'GET', target, fields: [['Accept', 'application/graphql-response+json, */*']] }
}

function post(target: string, value: unknown): Sent {
  return {
    method: 'POST',
    target,
    fields: [JSON_TYPE, ['Accept', 'application/graphql-response+json, */*']],
    body: JSON.stringify(value),
  }
}

/** Adds fields to a request. */
export function adding(sent: Sent, ...fields: NonNullable<Sent['fields']>): Sent {
  return { ...sent, fields: [...(sent.fields ?? []), ...fields] }
}

/** A GraphQL document, by POST. */
export function documentOf(query: string, variables: unknown = {}): Sent {
  return post('/graphql', { query, variables })
}

const REST: AttackedProtocol = {
  name: 'REST',
  path: '/notes',
  ask(wish, value = 'a note') {
    if (wish === 'create') return post('/notes', { text: value })
    if (wish === 'signIn') return post('/sessions', { password: value })
    return get(`/${wish}`)
  },
  withBody: (body, fields = [JSON_TYPE]) => ({ method: 'POST', target: '/notes', fields, body }),
}

const GRAPHQL: AttackedProtocol = {
  name: 'GraphQL',
  path: '/graphql',
  ask(wish, value = 'a note') {
    if (wish === 'create') return documentOf('mutation ($v: String!) { create(text: $v) }', { v: value })
    if (wish === 'signIn') return documentOf('mutation ($v: String!) { signIn(password: $v) }', { v: value })
    return get(`/graphql?query=${encodeURIComponent(`{ ${wish} }`)}`)
  },
  withBody: (body, fields = [JSON_TYPE]) => ({ method: 'POST', target: '/graphql', fields, body }),
}

/** Every protocol that is attacked. */
export const PROTOCOLS: readonly AttackedProtocol[] = [REST, GRAPHQL]
