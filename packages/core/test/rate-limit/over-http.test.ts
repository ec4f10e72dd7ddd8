import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa, { type Middleware } from 'koa'
import { gate, type GateOptions } from '../../src/koa.js'
import type { RateLimitOptions } from '../../src/rate-limit/options.js'
import { rateLimit } from '../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A service behind one limit by address: two requests at once, one more each second. */
async function serve(handler: Middleware, options: GateOptions = {}, limit: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock()
  const app = new Koa()
  app.silent = true
  const store = memoryRateLimitStore({ clock })
  const quotas = [{ name: 'burst', limit: 60, window: '1m', burst: 2, key: 'ip' }] as const
  const limits = rateLimit({ store, quotas, ...limit })
  app.use(gate([limits], options)).use(handler)
  const server = app.listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const send = (headers: Record<string, string> = {}) => fetch(`http://127.0.0.1:${port}/`, { headers })
  return { clock, send, limits }
}

const away = async (): Promise<never> => Promise.reject(new Error('away'))

const hello: Middleware = (ctx) => {
  ctx.body = 'hello'
}

describe('over HTTP', () => {
  test('a spent budget is a 429 problem with the fields of the draft, and the wait is kept', async () => {
    const { clock, send } = await serve(hello)
    expect((await send()).headers.get('ratelimit')).toBe('"burst";r=1;t=1')
    expect((await send()).headers.get('ratelimit')).toBe('"burst";r=0;t=1')
    const denied = await send()
    expect(denied.status).toBe(429)
    expect(denied.headers.get('ratelimit-policy')).toBe('"burst";q=60;w=60')
    expect(denied.headers.get('ratelimit')).toBe('"burst";r=0;t=1')
    expect(denied.headers.get('cache-control')).toBe('no-store')
    expect(await denied.json()).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      status: 429,
      code: 'quota-exceeded',
      'violated-policies': ['burst'],
    })
    await clock.advance(Number(denied.headers.get('retry-after')) * 1_000)
    expect((await send()).status).toBe(200)
  })

  test('who is blocked hears so, and of no quota that was exceeded', async () => {
    const { clock, send, limits } = await serve(hello)
    await limits.block(literalExchange({ address: '127.0.0.1' }), 'burst', 2_500)
    const denied = await send()
    expect(denied.status).toBe(429)
    expect(denied.headers.get('retry-after')).toBe('3')
    expect(await denied.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
      title: 'This caller is blocked for a while',
      status: 429,
      detail: 'This caller is blocked for a while.',
      code: 'caller-blocked',
    })
    await clock.advance(3_000)
    expect((await send()).status).toBe(200)
  })

  test('a limiter without its store says that there is less room for now', async () => {
    const store = { ...memoryRateLimitStore(), consume: away }
    const { send } = await serve(hello, {}, { store, onStoreDown: 'deny' })
    const refused = await send()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await refused.json()).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      code: 'rate-limit-unavailable',
    })
  })

  test.each<[string, number, Middleware]>([
    ['an error made for the client', 404, (ctx) => ctx.throw(404)],
    ['an error Koa answers itself', 500, () => Promise.reject(new Error('broken'))],
    ['an answer with a status only', 204, (ctx) => void (ctx.status = 204)],
    ['nothing', 404, () => undefined],
  ])('%s carries the fields', async (_name, status, handler) => {
    const { send } = await serve(handler)
    const reply = await send()
    expect(reply.status).toBe(status)
    expect(reply.headers.get('ratelimit')).toBe('"burst";r=1;t=1')
    expect(reply.headers.get('ratelimit-policy')).toBe('"burst";q=60;w=60')
  })

  test('a client can not buy budgets with a forwarding field', async () => {
    const { send } = await serve(hello)
    const statuses: number[] = []
    for (let index = 0; index < 4; index += 1) {
      statuses.push((await send({ 'x-forwarded-for': `198.51.100.${index}` })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429])
  })

  test('behind a trusted proxy each client has a budget, whatever it writes to the left', async () => {
    const { send } = await serve(hello, { trustedProxies: { hops: 1 } })
    const statuses: number[] = []
    for (const [index, client] of ['203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2'].entries()) {
      statuses.push((await send({ 'x-forwarded-for': `198.51.100.${index}, ${client}` })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 200])
  })
})
