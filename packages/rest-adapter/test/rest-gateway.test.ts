import { describe, expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { operation, rest, restGateway } from '@headgate/rest-adapter'
import type { Middleware } from 'koa'
import { stubObserver } from './stub-policies.js'

const handler: Middleware = (ctx) => {
  ctx.body = ''
}

describe('at start-up', () => {
  test.each<[string, (router: Router) => void, string]>([
    [
      'two declarations in one route',
      (router) => router.get('/', operation({}), operation({}), handler),
      'HEAD|GET / has more than one operation()',
    ],
    [
      'a declaration in router.use()',
      (router) => router.use(operation({}) as Middleware),
      'it belongs to a route',
    ],
    [
      'a declaration behind its handler',
      (router) => router.get('/', handler, operation({})),
      'must stand before the handler',
    ],
    [
      'an expression that remembers',
      (router) => router.get(/^\/a/g, handler),
      'must not have the flag g or y',
    ],
    [
      'a key demanded of reads',
      (router) => router.get('/', operation({ idempotency: 'required' }), handler),
      'has no effect on a read',
    ],
  ])('%s is a TypeError', (_title, register, message) => {
    const router = new Router()
    register(router)
    expect(() => rest(router)).toThrow(TypeError)
    expect(() => rest(router)).toThrow(message)
  })

  test('a route that demands what no policy gives is a TypeError that names it', () => {
    const scoped = new Router()
    scoped.get('/a', operation({ scopes: ['a'] }), handler)
    expect(() => restGateway(scoped, { policies: [] })).toThrow("'GET /a' demands a caller or scopes")
    const keyed = new Router()
    keyed.post('/b', operation({ idempotency: 'required' }), handler)
    expect(() => restGateway(keyed, { policies: [] })).toThrow("'POST /b' demands an Idempotency-Key")
    expect(() => restGateway(keyed, { policies: [stubObserver([])] })).not.toThrow()
  })

  test('options that do not exist are TypeErrors', () => {
    const options = { policies: [], unmached: 'pass' }
    expect(() => restGateway(new Router(), options)).toThrow("unknown option 'unmached'")
    expect(() => restGateway(new Router(), { policies: [], unmatched: 'maybe' as 'pass' })).toThrow(
      'rest: unmatched',
    )
    expect(() => restGateway(new Router(), Object.assign({ policies: [] }, { channels: [] }))).toThrow(
      'channels',
    )
  })
})
