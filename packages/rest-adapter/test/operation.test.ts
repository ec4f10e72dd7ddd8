import { describe, expect, test } from '@jest/globals'
import { gate } from '@headgate/core'
import { Router } from '@koa/router'
import { operation, rest, restGateway } from '@headgate/rest-adapter'
import type { Context, Middleware } from 'koa'
import { serving } from './serve.js'
import { stubAuthenticate } from './stub-policies.js'

const say =
  (text: string) =>
  (ctx: Context): void => {
    ctx.body = text
  }

describe('a declaration that was not read', () => {
  test('operation() refuses to run without a gate', async () => {
    const router = new Router()
    router.get('/', operation({ scopes: ['admin'] }), say('secret'))
    await serving([gate([]), router.routes() as Middleware], async (send, errors) => {
      expect((await send('/')).status).toBe(500)
      expect(errors[0]?.message).toContain('GET / came to its route without a gate')
    })
  })

  test('operation() refuses to run when another route handed the request on', async () => {
    const router = new Router()
    router.get('/files/{*path}', (_ctx, next) => next())
    router.get('/files/:name', operation({ scopes: ['files'] }), say('secret'))
    await serving([restGateway(router, { policies: [stubAuthenticate()] })], async (send, errors) => {
      expect((await send('/files/a')).status).toBe(500)
      expect(errors[0]?.message).toContain("was let through as 'GET /files/{*path}'")
    })
  })

  test('a route that is registered late is guarded all the same', async () => {
    const router = new Router()
    const gateway = restGateway(router, { policies: [stubAuthenticate()] })
    router.get('/late', operation({ scopes: ['late'] }), say('secret'))
    await serving([gateway], async (send) => {
      expect((await send('/late')).status).toBe(401)
    })
  })

  test('a gate that knows no caller answers 500 rather than let a request to a scoped route pass', async () => {
    const router = new Router()
    router.get('/', operation({ scopes: ['admin'] }), say('secret'))
    await serving([gate([], { channels: [rest(router)] })], async (send, errors) => {
      expect((await send('/')).status).toBe(500)
      expect(errors[0]?.message).toContain('put authenticate() into the gate')
    })
  })
})
