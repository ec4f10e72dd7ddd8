import { afterEach, expect, test } from '@jest/globals'
import type { Middleware } from 'koa'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import { cache } from '../src/cache/cache.js'
import type { Policy } from '../src/exchange.js'
import { describeHttp } from '../src/http/channel.js'
import { type Channel, gate } from '../src/koa.js'
import { refuse } from '../src/refusal.js'
import type { Answer } from '../src/reply.js'
import { memoryCacheStore } from '../src/stores/memory/cache.js'

afterEach(closeApps)

/** A channel that counts its answers in the last of their bytes. */
function counting() {
  let count = 0
  const channel: Channel & { readonly asked: () => number } = {
    asked: () => count,
    name: 'counting',
    accepts: () => true,
    describe: (_, incoming) => describeHttp(incoming, { cache: { ttl: '1m' } }),
    finish: (answer) => ({
      ...answer,
      headers: { ...answer.headers, 'x-count': String((count += 1)) },
      body: Buffer.from(`${Buffer.from(answer.body as Uint8Array).toString()} ${count}`),
    }),
  }
  return channel
}

test('what a channel says last is on each answer, executed or stored, and in no store', async () => {
  const { url } = await start(
    gate([cache({ store: memoryCacheStore() })], { channels: [counting()] }),
    (ctx) => {
      ctx.body = 'made'
    },
  )
  const answers = []
  for (let request = 0; request < 3; request += 1) {
    const answer = await fetch(url)
    answers.push([answer.headers.get('x-count'), await answer.text()])
  }
  expect(answers).toEqual([
    ['1', 'made 1'],
    ['2', 'made 2'],
    ['3', 'made 3'],
  ])
  expect((await fetch(url)).headers.get('cache-status')).toContain('hit')
})

test('it is not asked about a refusal, nor about an answer that the handler writes itself', async () => {
  const refusing: Policy = {
    name: 'refusing',
    handle: (exchange, next) => (exchange.path === '/no' ? Promise.resolve(refuse('caller-denied')) : next()),
  }
  const channel = counting()
  const { url } = await start(gate([refusing], { channels: [channel] }), (ctx) => {
    ctx.respond = false
    ctx.res.end('itself')
  })
  const refused = await fetch(`${url}/no`)
  expect([refused.status, refused.headers.get('x-count')]).toEqual([403, null])
  expect(await (await fetch(url)).text()).toBe('itself')
  expect(channel.asked()).toBe(0)
})

test.each([
  ['nothing', () => undefined],
  ['a promise', (answer: Answer) => Promise.resolve(answer)],
])('where it is %s, that is an error which names the channel', async (_, finish) => {
  const errors: unknown[] = []
  const watch: Middleware = (_ctx, next) =>
    next().catch((error: unknown) => {
      errors.push(error)
      throw error
    })
  const channel = { ...counting(), finish } as unknown as Channel
  const { url } = await start(watch, gate([], { channels: [channel] }), (ctx) => void (ctx.body = 'made'))
  expect((await fetch(url)).status).toBe(500)
  expect(errors).toEqual([new TypeError("gate: finish() of the channel 'counting' returned no answer")])
})
