import { afterEach, describe, expect, test } from '@jest/globals'
import Koa from 'koa'
import { type Running, serve as listen } from '../../../test-support/http.js'
import { gate } from '../src/koa.js'
import { serve, serveOn } from '../src/serve/serve.js'
import { createServer } from 'node:http'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

/** What each client would choose for itself: the left-most entry. */
const FORGED = { 'x-forwarded-for': '10.9.8.7' }

function appOf(settings: object, options: Parameters<typeof gate>[1] = {}): Koa {
  const app = new Koa(settings)
  app.silent = true
  app.use(gate([], options))
  app.use((ctx) => void (ctx.body = ctx.ip))
  return app
}

async function start(app: Koa): Promise<Running> {
  const handle = app.callback()
  const running = await listen((request, response) => void handle(request, response))
  closing.push(() => running.close())
  return running
}

describe('an app that takes its clients’ word for their address', () => {
  test('is not served', async () => {
    const app = appOf({ proxy: true })
    await expect(serve(app, { port: 0 })).rejects.toThrow(/serve: app\.proxy .*app\.maxIpsCount/)
    expect(() => serveOn(createServer(), app)).toThrow(/serveOn: app\.proxy/)
  })

  test('answers nothing behind a gate, and its log says why', async () => {
    const app = appOf({ proxy: true })
    const errors: Error[] = []
    app.on('error', (error: Error) => void errors.push(error))
    const { url } = await start(app)
    const answer = await fetch(url, { headers: FORGED })
    expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error'])
    expect(errors[0]?.message).toMatch(/gate: app\.proxy .*app\.maxIpsCount/)
  })

  test('is, where somebody says that it is meant', async () => {
    const app = appOf({ proxy: true }, { koaProxy: 'allow' })
    const { url } = await start(app)
    expect(await (await fetch(url, { headers: FORGED })).text()).toBe('10.9.8.7')
    const serving = await serve(app, { port: 0, koaProxy: 'allow' })
    closing.push(serving.drain)
  })
})

test.each([
  ['no proxy', {}, '127.0.0.1'],
  ['a number of proxies', { proxy: true, maxIpsCount: 1 }, '192.0.2.1'],
])('an app that believes %s is served', async (_what, settings, address) => {
  const serving = await serve(appOf(settings), { port: 0 })
  closing.push(serving.drain)
  const headers = { 'x-forwarded-for': '10.9.8.7, 192.0.2.1' }
  const answer = await (await fetch(serving.url, { headers })).text()
  expect(answer.replace('::ffff:', '')).toBe(address)
})

test('the option that can not be right is named', async () => {
  expect(() => gate([], { koaProxy: true as never })).toThrow(/gate: koaProxy/)
  await expect(serve(new Koa(), { koaProxy: 'no' as never })).rejects.toThrow(/serve: koaProxy/)
})
