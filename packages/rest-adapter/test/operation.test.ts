import { describe, expect, test } from '@jest/globals'
import { createIdentity, gate, type Identity } from '@headgate/core'
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

/** As koa-jwt leaves it: `name scope scope`. */
function identityElsewhere(ctx: Context): Identity | undefined {
  const [subject, ...scopes] = ctx.get('x-user').split(' ')
  return subject ? createIdentity({ scheme: 'other', subject, scopes }) : undefined
}

const as = (user: string) => ({ headers: { 'x-user': user } })

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

  test('a declared route hands nothing on: the next one has demands of its own, written or not', async () => {
    const router = new Router()
    router.get('/files/:name', operation({ access: 'anonymous' }), (_ctx, next) => next())
    router.get('/files/{*path}', say('undeclared secret'))
    await serving(
      [restGateway(router, { policies: [stubAuthenticate('required')] })],
      async (send, errors) => {
        const answer = await send('/files/a')
        expect(answer.text).not.toContain('undeclared secret')
        expect(answer.status).toBe(500)
        expect(errors[0]?.message).toContain("was let through as '/files/:name'")
        expect((await send('/files/a/b')).status).toBe(401)
      },
    )
  })

  test('undeclared routes hand on as they always did', async () => {
    const router = new Router()
    router.all('/files/{*path}', (ctx, next) => {
      ctx.set('x-first', 'ran')
      return next()
    })
    router.get('/files/:name', say('file'))
    await serving([restGateway(router, { policies: [stubAuthenticate()] })], async (send) => {
      const answer = await send('/files/a')
      expect([answer.text, answer.headers['x-first']]).toEqual(['file', 'ran'])
    })
  })

  test('a declared handler may hand on to what comes after the gate', async () => {
    const router = new Router()
    router.get('/page', operation({}), (_ctx, next) => next())
    await serving([restGateway(router, { policies: [] }), say('later')], async (send) => {
      expect((await send('/page')).text).toBe('later')
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

  test('scopes are asked for where the caller comes from elsewhere, or from nowhere', async () => {
    const router = new Router()
    router.get('/admin', operation({ scopes: ['admin'] }), say('secret'))
    router.get('/any', operation({ access: 'required' }), say('known'))
    await serving([restGateway(router, { policies: [], identity: identityElsewhere })], async (send) => {
      expect((await send('/admin', as('ann admin'))).text).toBe('secret')
      expect((await send('/admin', as('bob reader'))).status).toBe(403)
      expect((await send('/any', as('bob'))).text).toBe('known')
      for (const target of ['/admin', '/any']) expect((await send(target)).status).toBe(401)
    })
    const late = new Router()
    const gated = gate([], { channels: [rest(late)] })
    late.get('/admin', operation({ scopes: ['admin'] }), say('secret'))
    await serving([gated], async (send) => expect((await send('/admin')).status).toBe(401))
  })
})
