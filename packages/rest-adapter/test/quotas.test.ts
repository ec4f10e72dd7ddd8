import { expect, test } from '@jest/globals'
import { exchangeOf, memoryRateLimitStore, rateLimit } from '@headgate/core'
import { operation, restGateway } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { serving } from './serve.js'

function limits() {
  return rateLimit({
    store: memoryRateLimitStore(),
    quotas: [
      { name: 'all', limit: 600, window: '1d', burst: 60, key: 'ip' },
      { name: 'login', limit: 10, window: '1d', burst: 10, key: 'ip', declared: true },
    ],
  })
}

test('a failed sign-in costs all it may, a good one gives back the rest, and other routes are not concerned', async () => {
  const router = new Router()
  router.post('/sessions', operation({ cost: 5, quotas: ['login'] }), (ctx) => {
    const exchange = exchangeOf(ctx)
    if (ctx.query['password'] !== 'right') ctx.throw(401)
    if (exchange !== undefined) exchange.spent = 1
    ctx.body = 'welcome'
  })
  router.get('/items', (ctx) => void (ctx.body = 'items'))
  await serving([restGateway(router, { policies: [limits()] })], async (send) => {
    const signIn = async (password: string) =>
      (await send(`/sessions?password=${password}`, { method: 'POST' })).status
    expect(await signIn('right')).toBe(200)
    expect(await signIn('right')).toBe(200)
    expect(await signIn('wrong')).toBe(401)
    expect(await signIn('right')).toBe(429)
    expect((await send('/items')).status).toBe(200)
  })
})

test('a route that names a quota of nobody is refused at start-up', () => {
  const router = new Router()
  router.post('/sessions', operation({ quotas: ['logins'] }), () => undefined)
  expect(() => restGateway(router, { policies: [limits()] })).toThrow(/names the quota 'logins'/)
})
