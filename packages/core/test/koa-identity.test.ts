import { afterEach, expect, test } from '@jest/globals'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import { createIdentity, type Identity } from '../src/auth/identity.js'
import { cache } from '../src/cache/cache.js'
import type { Policy } from '../src/exchange.js'
import { gate, identityOf } from '../src/koa.js'
import { memoryCacheStore } from '../src/stores/memory/cache.js'

afterEach(closeApps)

test('what is no identity is an error: callers without digests would share budgets and answers', async () => {
  let user: unknown
  let ran = 0
  const { url } = await start(
    gate([], { identity: () => user as Identity }),
    (ctx) => void (ctx.body = `${(ran += 1)}`),
  )
  const copy = { ...createIdentity({ scheme: 'test', subject: 'ann' }) }
  for (user of [{ sub: 'ann' }, copy, null, 'ann']) expect((await fetch(url)).status).toBe(500)
  expect(ran).toBe(0)
})

test.each([
  ['what is no identity', (name: string) => ({ scheme: 'mine', subject: name })],
  [
    'a changed copy',
    (name: string) => ({ ...createIdentity({ scheme: 'mine', subject: 'x' }), subject: name }),
  ],
])('%s, said by a policy, runs nothing: callers would get the answers of each other', async (_, identify) => {
  const naming: Policy = {
    name: 'naming',
    stage: 'authenticate',
    handle(exchange, next) {
      exchange.identity = identify(exchange.header('x-user') ?? '') as Identity
      return next()
    },
  }
  let ran = 0
  const { url } = await start(gate([naming, cache({ store: memoryCacheStore() })]), (ctx) => {
    ctx.set('Cache-Control', 'private, max-age=60')
    ctx.body = `for ${identityOf(ctx)?.subject} ${(ran += 1)}`
  })
  for (const user of ['ann', 'bob']) {
    expect((await fetch(url, { headers: { 'x-user': user } })).status).toBe(500)
  }
  expect(ran).toBe(0)
})
