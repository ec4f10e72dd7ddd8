import { expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { restGateway } from '@headgate/rest-adapter'
import { serving } from './serve.js'
import { stubLimit } from './stub-policies.js'

test("what a handler says in Koa's own ways is a problem document, and fields set before it arrive", async () => {
  const router = new Router()
  router.get('/thrown', (ctx) => ctx.throw(404, 'No such item.', { headers: { 'Retry-After': '3' } }))
  router.get('/plain', (ctx) => ctx.throw(403))
  router.get('/bare', (ctx) => {
    ctx.set('x-trace', '7')
    ctx.status = 410
  })
  router.get('/silent', () => {})
  router.get('/own', (ctx) => {
    ctx.status = 400
    ctx.body = { mine: true }
  })
  await serving([restGateway(router, { policies: [stubLimit(9)] })], async (send) => {
    const thrown = await send('/thrown')
    expect(thrown.json).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'No such item.',
    })
    expect(thrown.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '3',
      ratelimit: '"stub";r=8',
    })
    expect((await send('/plain')).json).toEqual({ type: 'about:blank', title: 'Forbidden', status: 403 })
    const bare = await send('/bare')
    expect([bare.status, bare.json['title']]).toEqual([410, 'Gone'])
    expect(bare.headers).toMatchObject({ 'x-trace': '7', 'cache-control': 'no-store' })
    expect([(await send('/silent')).status, (await send('/silent')).json['status']]).toEqual([404, 404])
    expect((await send('/own')).json).toEqual({ mine: true })
  })
})

test('an error that was not meant for the client stays hidden and reaches the app', async () => {
  const router = new Router()
  router.get('/', () => {
    throw new Error('password is hunter2')
  })
  await serving([restGateway(router, { policies: [] })], async (send, errors) => {
    const answer = await send('/')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('hunter2')
    expect(errors.map(({ message }) => message)).toEqual(['password is hunter2'])
  })
})
