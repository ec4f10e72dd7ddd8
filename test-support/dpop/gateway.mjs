// @ts-check
/// <reference types="node" />
import { authenticate, dpop, exchangeOf, gate, jwt, systemClock } from '@headgate/core'
import { graphql } from '@headgate/graphql-adapter'
import { operation, rest } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'

/**
 * What a gateway of bound tokens needs to know.
 *
 * @typedef {object} BoundGatewayInit
 * @property {string} issuer
 * @property {string} audience
 * @property {readonly object[]} keys the issuer's.
 * @property {import('@headgate/core').ReplayStore} replay
 * @property {import('@headgate/core').DpopNonceOptions} [nonce]
 * @property {import('@headgate/core').Clock} [clock]
 * @property {(event: import('@headgate/core').ReportedEvent) => void} [onEvent]
 */

/** Where clients believe to be: a proxy ends TLS. */
export const ORIGIN = 'https://api.example'

const NAMES = { REST: '/payments/:id', GraphQL: '/graphql' }

/**
 * A gateway of both protocols that takes bound tokens beside plain ones.
 *
 * @param {BoundGatewayInit} init
 * @returns {{ middleware: import('koa').Middleware, done: string[] }} what it has done, and for whom.
 */
export function boundGateway({
  issuer,
  audience,
  keys,
  replay,
  nonce,
  clock = systemClock,
  onEvent = () => undefined,
}) {
  /** @type {string[]} */
  const done = []
  const token = jwt({ issuer, audience, jwks: { keys }, clock })
  const bound = dpop({ token, replay, origin: ORIGIN, deadline: '5s', clock, ...(nonce && { nonce }) })
  /** @param {string} what */
  const pay = (what, subject = 'nobody') => void done.push(`${what} by ${subject}`)

  const router = new Router()
  for (const method of /** @type {const} */ (['post', 'put'])) {
    router[method](NAMES.REST, operation({}), (ctx) => {
      pay('REST', exchangeOf(ctx)?.identity?.subject)
      ctx.status = 201
    })
  }
  const rootValue = {
    /**
     * @param {unknown} _
     * @param {{ identity?: import('@headgate/core').Identity }} context
     */
    pay: (_, { identity }) => {
      pay('GraphQL', identity?.subject)
      return true
    },
  }
  const schema = buildSchema('type Query { a: Int } type Mutation { pay: Boolean }')
  const middleware = gate([authenticate([token, bound])], {
    channels: [graphql({ schema, rootValue, path: NAMES.GraphQL }), rest(router)],
    onEvent,
  })
  return { middleware, done }
}
