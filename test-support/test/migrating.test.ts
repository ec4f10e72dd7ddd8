import {
  authenticate,
  cache,
  createIdentity,
  gate,
  idempotency,
  identityOf,
  jwt,
  memoryStores,
  rateLimit,
  type ReportedEvent,
} from '@headgate/core'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type JWTPayload, SignJWT } from 'jose'
import type { Middleware } from 'koa'
import { closeApps, startApp } from '../koa.js'

afterEach(closeApps)

const SECRET = 'a shared secret of thirty-two bytes or more'
const ISSUER = 'https://shop.example'

const sign = (claims: JWTPayload, typ: string): Promise<string> =>
  new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ })
    .sign(new TextEncoder().encode(SECRET))
/** As jsonwebtoken signs without options. */
const oldToken = (): Promise<string> => sign({ sub: 'ann' }, 'JWT')
const newToken = (sub = 'ann'): Promise<string> => sign({ sub, iss: ISSUER, aud: ISSUER }, 'at+jwt')

/** What koa-jwt leaves behind, with the claims in a field. */
const koaJwt: Middleware = (ctx, next) => {
  if (ctx.get('x-claims') !== '') ctx.state['user'] = JSON.parse(ctx.get('x-claims'))
  return next()
}

const ownBody: Middleware = (ctx) => {
  ctx.body = { for: ctx.state['user']?.sub ?? ctx.get('x-user') }
}

const openBehindKoaJwt = async (): Promise<(claims?: object) => Promise<Response>> => {
  const { url } = await startApp(
    koaJwt,
    gate([cache({ store: memoryStores().cache })], {
      identity: ({ state: { user } }) => user && createIdentity({ scheme: 'koa-jwt', subject: user.sub }),
    }),
    (ctx) => {
      ctx.set('Cache-Control', 'max-age=60')
      ctx.body = ctx.get('x-claims') || 'nobody'
    },
  )
  return (claims) =>
    fetch(url, { headers: claims === undefined ? {} : { 'x-claims': JSON.stringify(claims) } })
}

type Ask = (path: string, token?: string) => Promise<Response>

const openMovedOver = async (): Promise<{ ask: Ask; events: ReportedEvent[] }> => {
  const events: ReportedEvent[] = []
  const stores = memoryStores()
  const policies = [
    authenticate([jwt({ secret: SECRET, issuer: ISSUER, audience: ISSUER })], {
      failures: { store: stores.rateLimit, quota: { limit: 100, window: '15m', burst: 20 } },
    }),
    rateLimit({
      store: stores.rateLimit,
      headers: 'both',
      quotas: [{ name: 'caller', limit: 100, window: '1m', algorithm: 'sliding-window' }],
    }),
    idempotency({ store: stores.idempotency }),
    cache({ store: stores.cache }),
  ]
  const { url } = await startApp(
    gate(policies, {
      operation: ({ path }) => (path === '/login' || path === '/health' ? { access: 'anonymous' } : {}),
      onEvent: (event) => void events.push(event),
    }),
    (ctx, next) => {
      ctx.state['user'] = identityOf(ctx)?.claims
      return next()
    },
    ownBody,
  )
  const ask: Ask = (path, token) =>
    fetch(url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  return { ask, events }
}

describe('a gate behind koa-jwt', () => {
  test('keeps the answers of callers apart', async () => {
    const ask = await openBehindKoaJwt()
    for (const claims of [{ sub: 'ann' }, { sub: 'bob' }, undefined, { sub: 'ann' }]) {
      expect(await (await ask(claims)).text()).toBe(claims === undefined ? 'nobody' : JSON.stringify(claims))
    }
  })

  test.each([{}, { sub: 7 }, { sub: '' }])('takes nobody for a caller with the claims %j', async (claims) => {
    const ask = await openBehindKoaJwt()
    expect((await ask(claims)).status).toBe(500)
    expect((await ask({ sub: 'ann' })).status).toBe(200)
  })
})

test('a request with a credential that nobody knows is not answered from the cache', async () => {
  const { url } = await startApp(gate([cache({ store: memoryStores().cache })]), (ctx) => {
    ctx.set('Cache-Control', 'max-age=60')
    ctx.body = ctx.get('authorization')
  })
  for (const authorization of ['Bearer one', 'Bearer two', 'Bearer one']) {
    const answer = await fetch(url, { headers: { authorization } })
    expect(await answer.text()).toBe(authorization)
    expect(answer.headers.get('cache-status')).toMatch(/^headgate; fwd=bypass/)
  }
})

describe('the whole, moved over', () => {
  test('what was open stays open, and handlers find the user where it was', async () => {
    const { ask } = await openMovedOver()
    expect((await ask('/health')).status).toBe(200)
    expect((await ask('/notes')).status).toBe(401)
    expect(await (await ask('/notes', await newToken())).json()).toEqual({ for: 'ann' })
  })

  test('a token that koa-jwt took is refused, and the event says why', async () => {
    const { ask, events } = await openMovedOver()
    const answer = await ask('/notes', await oldToken())
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({
      code: 'credentials-invalid',
      detail: 'The credential is not valid.',
    })
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'auth.refused', reason: 'wrong-type', at: 'typ', operation: 'GET *' }),
    )
  })

  test('all of the limit may be taken at once, in the fields of before and of now', async () => {
    const { ask } = await openMovedOver()
    const token = await newToken()
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => (await ask('/', token)).status),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    const denied = await ask('/', token)
    expect(denied.status).toBe(429)
    for (const field of ['ratelimit', 'ratelimit-policy', 'x-ratelimit-remaining', 'retry-after']) {
      expect(denied.headers.has(field)).toBe(true)
    }
    expect((await ask('/', await newToken('bob'))).status).toBe(200)
  })

  test('an answer without freshness is not stored, and says so', async () => {
    const { ask } = await openMovedOver()
    const status = (await ask('/', await newToken())).headers.get('cache-status')
    expect(status).toBe('headgate; fwd=uri-miss; stored=?0; detail=no-freshness')
  })
})

test('without a burst the eleventh of a hundred is refused', async () => {
  const { url } = await startApp(
    gate([
      rateLimit({
        store: memoryStores().rateLimit,
        quotas: [{ name: 'caller', limit: 100, window: '1d', key: 'ip' }],
      }),
    ]),
    ownBody,
  )
  const statuses: number[] = []
  for (let request = 0; request < 11; request += 1) statuses.push((await fetch(url)).status)
  expect(statuses.slice(0, 10).every((status) => status === 200)).toBe(true)
  expect(statuses[10]).toBe(429)
})
