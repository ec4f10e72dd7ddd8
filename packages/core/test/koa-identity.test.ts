import { afterEach, expect, test } from '@jest/globals'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import { createIdentity, type Identity } from '../src/auth/identity.js'
import { gate } from '../src/koa.js'

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
